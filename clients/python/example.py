"""Sign in, order, and list what was ordered."""

import sys
from uuid import uuid4

from flask_api_client import ApiProblem, items, sign_in, unwrap
from flask_api_client.generated.api.orders import create_order, list_orders
from flask_api_client.generated.models import NewOrder, NewOrderItem, ShippingAddress

url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:5000"
api = sign_in(url, "user@example.com", "securepassword123")

new_order = NewOrder(
    items=[NewOrderItem(product_id="abc", quantity=2)],
    shipping_address=ShippingAddress(
        street="123 Main St", city="San Francisco", state="CA", zip_="94102"
    ),
)
key = str(uuid4())  # a new key for each order; reuse it for all retries of this order
try:
    order = unwrap(create_order.sync_detailed(client=api, body=new_order, idempotency_key=key))
    print(f"{order.id}: {order.total} {order.currency}")
except ApiProblem as refused:
    if not refused.has_type("out-of-stock"):
        raise
    print(f"sold out: {refused.problem.products}")

for order in items(lambda at: list_orders.sync_detailed(client=api, cursor=at, status="pending")):
    print(f"{order.created_at:%Y-%m-%d} {order.id}")
