"""Orders, their items and the changes of their status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from models.api_keys import API_KEY_ID
from models.base import Base, Versioned
from models.products import MAX_PRICE
from models.types import PrefixedID, ProductID, to_typeid
from models.users import USER_ID, Scope


class History(TypeDecorator[list[dict[str, Any]]]):
    """The changes of an order, which PostgreSQL aggregates to JSON; NULL loads as an empty list."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], list[Any]]:
        return lambda value: [_change(**change) for change in value] if value else []


def _change(
    changed_by: str, changed_by_api_key: str | None, changed_at: str, **change: Any
) -> dict[str, Any]:
    return {
        **change,
        "changed_by": to_typeid(USER_ID.prefix, changed_by),
        "changed_by_api_key": to_typeid(API_KEY_ID.prefix, changed_by_api_key),
        "changed_at": datetime.fromisoformat(changed_at),
    }


ORDER_ID = PrefixedID("order")
MAX_QUANTITY = 10_000
MAX_ITEMS = 100
MAX_METADATA = 20  # key-value pairs of an order


class OrderStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


# The allowed changes of status, and the scope that each one requires.
TRANSITIONS = {
    (OrderStatus.PENDING, OrderStatus.PAID): Scope.ORDERS_MANAGE,
    (OrderStatus.PENDING, OrderStatus.CANCELLED): Scope.ORDERS_WRITE,
    (OrderStatus.PAID, OrderStatus.SHIPPED): Scope.ORDERS_MANAGE,
    (OrderStatus.PAID, OrderStatus.CANCELLED): Scope.ORDERS_WRITE,
    (OrderStatus.SHIPPED, OrderStatus.DELIVERED): Scope.ORDERS_MANAGE,
}


def status_check(column: str) -> str:
    """Return the SQL condition that a column has one of the statuses."""
    return "{} IN ({})".format(column, ", ".join(f"'{status}'" for status in OrderStatus))


class Order(Versioned, Base):
    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("total >= 0", name="total_not_negative"),
        CheckConstraint(status_check("status"), "status_known"),
        # One index for each list: the orders of a user, all orders, and both by status.
        Index("ix_orders_of_user", "user_id", "created_at", "id"),
        Index("ix_orders_of_user_by_status", "user_id", "status", "created_at", "id"),
        Index("ix_orders_newest_first", "created_at", "id"),
        Index("ix_orders_by_status", "status", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(ORDER_ID, primary_key=True, default=ORDER_ID.new)
    user_id: Mapped[str] = mapped_column(USER_ID, ForeignKey("users.id"))
    status: Mapped[OrderStatus] = mapped_column(
        String(16), default=OrderStatus.PENDING, server_default=OrderStatus.PENDING
    )
    total: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    shipping_address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # SQLAlchemy reserves the attribute `metadata`.
    pairs: Mapped[dict[str, str]] = mapped_column("metadata", JSONB, server_default="{}")

    items: Mapped[list[OrderItem]] = relationship(
        order_by="OrderItem.position", passive_deletes=True
    )


class OrderItem(Base):
    """An item of an order, with the name and price of the product at the time of the order."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {MAX_QUANTITY}", name="quantity_in_range"),
        CheckConstraint(f"unit_price BETWEEN 0 AND {MAX_PRICE}", name="unit_price_in_range"),
        # For the list of the orders of a product: the ids of orders sort by time.
        Index("ix_order_items_of_product", "product_id", "order_id"),
    )

    order_id: Mapped[str] = mapped_column(
        ORDER_ID, ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[str] = mapped_column(ProductID, ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price: Mapped[int] = mapped_column(BigInteger)
    # Nullable, because pods of version 1.0 insert items without a name during an upgrade.
    name: Mapped[str | None] = mapped_column(Text)


class OrderChange(Base):
    """A change of the status of an order, with the user that made the change and the time."""

    __tablename__ = "order_changes"
    __table_args__ = (
        CheckConstraint(status_check("from_status"), "from_status_known"),
        CheckConstraint(status_check("to_status"), "to_status_known"),
    )

    order_id: Mapped[str] = mapped_column(
        ORDER_ID, ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True
    )
    # The version of the order after the change; two changes cannot have the same version.
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    from_status: Mapped[OrderStatus] = mapped_column(String(16))
    to_status: Mapped[OrderStatus] = mapped_column(String(16))
    changed_by: Mapped[str] = mapped_column(USER_ID, ForeignKey("users.id"))
    # Without a foreign key, because the history outlives the API key.
    changed_by_api_key: Mapped[str | None] = mapped_column(API_KEY_ID)
    # Not now(): the transaction may have started before the previous change of the order.
    changed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
