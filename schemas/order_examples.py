"""Examples of orders for the OpenAPI document."""

from typing import Any

from schemas.base import CREATED
from schemas.ids import typeid
from schemas.metadata import EXAMPLE as METADATA_EXAMPLE
from schemas.users import USER_ID

ADDRESS_EXAMPLE = {
    "street": "123 Main St",
    "city": "San Francisco",
    "state": "CA",
    "zip": "94102",
    "country": "US",
}
NEW_ORDER_EXAMPLE = {
    "items": [{"product_id": "abc", "quantity": 2}, {"product_id": "def", "quantity": 1}],
    "shipping_address": ADDRESS_EXAMPLE,
}
# The items of NEW_ORDER_EXAMPLE, with the names and prices of the demo products.
ORDER_ITEMS_EXAMPLE = [
    {"product_id": "abc", "name": "Coffee mug", "quantity": 2, "unit_price": 1250},
    {"product_id": "def", "name": "Tea pot", "quantity": 1, "unit_price": 4900},
]
ORDER_EXAMPLE = {
    "id": typeid("order")["example"],
    "user_id": USER_ID["example"],
    "status": "pending",
    "items": ORDER_ITEMS_EXAMPLE,
    "total": 7400,
    "currency": "USD",
    "shipping_address": ADDRESS_EXAMPLE,
    "metadata": METADATA_EXAMPLE,
    "history": [],
    "created_at": CREATED["example"],
    "updated_at": CREATED["example"],
}


def changed_order_example(status: str) -> dict[str, Any]:
    """Return the example of an order after its status changed from `pending` to `status`."""
    at = "2026-02-10T15:00:00Z"
    by = {"by": USER_ID["example"], "by_api_key": None}
    change = {"from": "pending", "to": status, **by, "at": at}
    return {**ORDER_EXAMPLE, "status": status, "history": [change], "updated_at": at}
