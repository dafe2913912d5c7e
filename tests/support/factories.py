"""Rows for tests."""

import factory
from argon2 import PasswordHasher
from factory.alchemy import SQLAlchemyModelFactory

from models.orders import Order, OrderItem, OrderStatus
from models.products import Product
from models.sessions import AuthSession
from models.users import Role, User

PASSWORD = "correct horse battery staple"
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD_HASH = CHEAP_HASHER.hash(PASSWORD)
ADDRESS = {"street": "123 Main St", "city": "San Francisco", "state": "CA", "zip": "94102"}


class Factory(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_persistence = "commit"


class UserFactory(Factory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    password_hash = PASSWORD_HASH
    name = factory.Sequence(lambda n: f"Person {n}")
    role = Role.USER
    is_active = True


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
    """`OrderFactory(user_id=…, items=[OrderItem(…)])`; without items, one of a new product."""

    class Meta:
        model = Order

    status = OrderStatus.PENDING
    total = 1000
    currency = "USD"
    shipping_address = factory.LazyFunction(lambda: dict(ADDRESS))
    items = factory.LazyFunction(
        lambda: [OrderItem(position=0, product_id=ProductFactory().id, quantity=1, unit_price=1000)]
    )


FACTORIES = Factory.__subclasses__()
__all__ = ["ADDRESS", "PASSWORD", "AuthSession", "OrderFactory", "ProductFactory", "UserFactory"]
