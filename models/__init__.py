"""The tables. Importing the package registers them all with `Base.metadata`."""

from models.base import Base
from models.idempotency import IdempotencyKey
from models.orders import Order, OrderChange, OrderItem, OrderStatus
from models.products import Product
from models.sessions import AuthSession
from models.users import Role, User

__all__ = [
    "AuthSession",
    "Base",
    "IdempotencyKey",
    "Order",
    "OrderChange",
    "OrderItem",
    "OrderStatus",
    "Product",
    "Role",
    "User",
]
