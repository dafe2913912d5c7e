"""What was bought, and how far it has come."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Versioned
from models.products import MAX_PRICE
from models.types import PrefixedID, ProductID
from models.users import USER_ID

ORDER_ID = PrefixedID("order")
MAX_QUANTITY = 10_000
MAX_ITEMS = 100


class OrderStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


TRANSITIONS = {
    OrderStatus.PENDING: {OrderStatus.PAID, OrderStatus.CANCELLED},
    OrderStatus.PAID: {OrderStatus.SHIPPED, OrderStatus.CANCELLED},
    OrderStatus.SHIPPED: {OrderStatus.DELIVERED},
    OrderStatus.DELIVERED: set(),
    OrderStatus.CANCELLED: set(),
}


class Order(Versioned, Base):
    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("total >= 0", name="total_not_negative"),
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{status}'" for status in OrderStatus)),
            "status_known",
        ),
        # One index for each order of reading: mine, everybody's, and each of them by status.
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

    items: Mapped[list[OrderItem]] = relationship(
        order_by="OrderItem.position", lazy="selectin", passive_deletes=True
    )

    def may_become(self, status: OrderStatus) -> bool:
        return status in TRANSITIONS[OrderStatus(self.status)]


class OrderItem(Base):
    """A line of an order, at the price of the moment of ordering."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {MAX_QUANTITY}", name="quantity_in_range"),
        CheckConstraint(f"unit_price BETWEEN 0 AND {MAX_PRICE}", name="unit_price_in_range"),
        Index("ix_order_items_product_id", "product_id"),
    )

    order_id: Mapped[str] = mapped_column(
        ORDER_ID, ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[str] = mapped_column(ProductID, ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price: Mapped[int] = mapped_column(BigInteger)
