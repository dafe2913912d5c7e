"""Schemas of orders."""

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates

from models.orders import MAX_ITEMS, MAX_QUANTITY, OrderStatus
from models.products import MAX_PRICE
from schemas.addresses import ShippingAddressSchema
from schemas.base import (
    CREATED,
    MAX_EXACT,
    UPDATED,
    RequestSchema,
    ResponseSchema,
    ShortList,
    StrictInteger,
    Text,
    Timestamp,
    text,
)
from schemas.ids import id_field, typeid
from schemas.metadata import changed_metadata, metadata, new_metadata
from schemas.order_examples import ORDER_ITEMS_EXAMPLE
from schemas.pages import PageQuerySchema
from schemas.problems import extension_member
from schemas.products import CURRENCY_SHOWN, IS_PRODUCT_ID, PRODUCT_ID
from schemas.users import USER_ID

ORDER_ID = typeid("order")
STATUS = validate.OneOf([status.value for status in OrderStatus])
STATUS_TEXT = "Status of the order: `pending`, `paid`, `shipped`, `delivered` or `cancelled`."
ITEM_NAME = {
    "description": "Name of the product at the time of the order.",
    "example": "Coffee mug",
}
QUANTITY = {"description": "Number of units.", "example": 2}


class NewOrderItemSchema(RequestSchema):
    """An item of a new order."""

    product_id = Text(
        required=True,
        validate=IS_PRODUCT_ID,
        metadata={"description": "`id` of the product.", "example": "abc"},
    )
    quantity = StrictInteger(1, MAX_QUANTITY, required=True, metadata=QUANTITY)


class NewOrderSchema(RequestSchema):
    """A new order."""

    items = ShortList(
        fields.Nested(NewOrderItemSchema),
        required=True,
        validate=validate.Length(1, MAX_ITEMS),
        metadata={"description": "Items to order: each product once, all in the same currency."},
    )
    shipping_address = fields.Nested(
        ShippingAddressSchema, required=True, metadata={"description": "Shipping address."}
    )
    metadata = new_metadata()

    @validates("items")
    def each_product_once(self, items: Sequence[dict[str, Any]], **_: Any) -> None:
        seen: set[str] = set()
        errors: dict[int, Any] = {}
        for i, item in enumerate(items):
            if "product_id" not in item:  # the item schema reports this error
                continue
            if item["product_id"] in seen:
                errors[i] = {"product_id": ["Must not appear twice; add up the quantities."]}
            seen.add(item["product_id"])
        if errors:
            raise ValidationError(errors)


class OrderItemSchema(ResponseSchema):
    """An item of an order."""

    product_id = id_field(PRODUCT_ID)
    name = text(200, required=True, metadata=ITEM_NAME)
    quantity = StrictInteger(1, MAX_QUANTITY, required=True, metadata=QUANTITY)
    unit_price = StrictInteger(
        0,
        MAX_PRICE,
        required=True,
        metadata={
            "description": "Price of a unit at the time of the order, in minor units.",
            "example": 1250,
        },
    )


class OrderChangeSchema(ResponseSchema):
    """A change of the status of an order."""

    from_status = fields.String(
        required=True,
        data_key="from",
        validate=STATUS,
        metadata={"description": "Status before the change.", "example": "pending"},
    )
    to_status = fields.String(
        required=True,
        data_key="to",
        validate=STATUS,
        metadata={"description": "Status after the change.", "example": "paid"},
    )
    changed_by = id_field(
        USER_ID, data_key="by", metadata={"description": "User who made the change."}
    )
    changed_by_api_key = id_field(
        typeid("key"),
        data_key="by_api_key",
        allow_none=True,
        metadata={"description": "API key of the change; null for an access token."},
    )
    changed_at = Timestamp(
        required=True,
        data_key="at",
        metadata={
            "description": "Time of the change (RFC 3339, UTC).",
            "example": "2026-02-10T14:30:00Z",
        },
    )


class OrderSchema(ResponseSchema):
    """An order."""

    id = id_field(ORDER_ID)
    user_id = id_field(USER_ID, metadata={"description": "User who placed the order."})
    status = fields.String(
        required=True, validate=STATUS, metadata={"description": STATUS_TEXT, "example": "pending"}
    )
    items = fields.List(
        fields.Nested(OrderItemSchema),
        required=True,
        metadata={"description": "Items of the order.", "example": ORDER_ITEMS_EXAMPLE},
    )
    total = StrictInteger(
        0,
        MAX_ITEMS * MAX_QUANTITY * MAX_PRICE,
        required=True,
        metadata={
            "description": "Total price in minor units: 7400 is 74.00 USD.",
            "example": 7400,
        },
    )
    currency = fields.String(
        required=True,
        metadata={
            **CURRENCY_SHOWN,
            "description": "Currency of all prices of the order (ISO 4217).",
        },
    )
    shipping_address = fields.Nested(
        ShippingAddressSchema, required=True, metadata={"description": "Shipping address."}
    )
    metadata = metadata()
    history = fields.List(
        fields.Nested(OrderChangeSchema),
        required=True,
        metadata={
            "description": "All changes of the status, oldest first; empty for a new order.",
            "example": [],
        },
    )
    created_at = Timestamp(required=True, metadata=CREATED)
    updated_at = Timestamp(required=True, metadata=UPDATED)


class ShortageSchema(ResponseSchema):
    """A product without enough stock."""

    product_id = id_field(PRODUCT_ID)
    requested = StrictInteger(
        1,
        MAX_QUANTITY,
        required=True,
        metadata={"description": "Number of units in the order.", "example": 2},
    )
    available = StrictInteger(
        0,
        MAX_EXACT,
        required=True,
        metadata={"description": "Number of units in stock.", "example": 1},
    )


extension_member(
    "products",
    fields.List(
        fields.Nested(ShortageSchema),
        metadata={"description": "Products without enough stock; for `out-of-stock` only."},
    ),
)

extension_member(
    "orders",
    fields.List(
        fields.String(),
        metadata={
            "description": "Ids of open orders, at most 100; for `open-orders` only.",
            "example": [ORDER_ID["example"]],
        },
    ),
)


class OrderQuerySchema(PageQuerySchema):
    """Filters of the list of orders."""

    status = fields.String(
        validate=STATUS,
        metadata={"description": "Only orders with this status.", "examples": ["pending"]},
    )
    product_id = Text(
        validate=IS_PRODUCT_ID,
        metadata={"description": "Only orders of this product.", "examples": ["abc"]},
    )
    created_after = Timestamp(
        format="iso",
        metadata={
            "description": "Only orders created at this time or later (RFC 3339).",
            "examples": ["2026-01-01T00:00:00Z"],
        },
    )
    created_before = Timestamp(
        format="iso",
        metadata={
            "description": "Only orders created before this time (RFC 3339).",
            "examples": ["2027-01-01T00:00:00Z"],
        },
    )


class OrderUpdateSchema(RequestSchema):
    """Changes of an order; omitted fields keep their values."""

    status = fields.String(
        validate=STATUS, metadata={"description": STATUS_TEXT, "example": "paid"}
    )
    metadata = changed_metadata()
