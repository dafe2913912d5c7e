"""Factories of products and orders."""

import factory

from models.orders import Order, OrderItem, OrderStatus
from models.products import Product
from tests.support.factories import Factory

ADDRESS = {"street": "123 Main St", "city": "San Francisco", "state": "CA", "zip": "94102"}


class ProductFactory(Factory):
    class Meta:
        model = Product

    id = factory.Sequence(lambda n: f"product-{n}")
    name = factory.Sequence(lambda n: f"Product {n}")
    description = ""
    price = 1000
    currency = "USD"
    stock = 100


class OrderFactory(Factory):
    """`OrderFactory(user_id=…, items=[OrderItem(…)])`; the default is one item of a new product."""

    class Meta:
        model = Order

    status = OrderStatus.PENDING
    total = 1000
    currency = "USD"
    shipping_address = factory.LazyFunction(lambda: dict(ADDRESS))
    items = factory.LazyFunction(
        lambda: [OrderItem(position=0, product_id=ProductFactory().id, quantity=1, unit_price=1000)]
    )
