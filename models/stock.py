"""The stock ledger: every change of a product's stock, with its reason, order and caller."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, func
from sqlalchemy.orm import Mapped, mapped_column

from models.api_keys import API_KEY_ID
from models.base import Base
from models.orders import ORDER_ID
from models.types import ProductID
from models.users import USER_ID


class StockReason(StrEnum):
    """Why the stock of a product has changed."""

    OPENING = "opening"  # stock that the product had before the ledger existed
    CREATED = "created"
    ORDER = "order"
    CANCELLATION = "cancellation"
    IMPORT = "import"
    COUNT = "count"  # an administrator has set the stock
    DELIVERY = "delivery"
    RETURN = "return"
    LOSS = "loss"
    CORRECTION = "correction"


# The reasons that an administrator can give; the service sets the other reasons.
GIVEN_REASONS = (
    StockReason.DELIVERY,
    StockReason.RETURN,
    StockReason.LOSS,
    StockReason.CORRECTION,
)


class StockChange(Base):
    """A change of the stock of a product. The stock is the sum of all changes of the product."""

    __tablename__ = "stock_changes"
    __table_args__ = (
        CheckConstraint("change <> 0", name="change_not_zero"),
        CheckConstraint(
            "reason IN ({})".format(", ".join(f"'{reason}'" for reason in StockReason)),
            name="reason_known",
        ),
    )

    product_id: Mapped[str] = mapped_column(
        ProductID, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True
    )
    # The version of the product after the change; two changes cannot have the same version.
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    change: Mapped[int] = mapped_column(BigInteger)
    # The stock after the change.
    stock: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[StockReason] = mapped_column(String(16))
    # Without foreign keys, because their checks would slow each order down. Orders and users are
    # never deleted.
    order_id: Mapped[str | None] = mapped_column(ORDER_ID)
    # NULL if a command has made the change.
    changed_by: Mapped[str | None] = mapped_column(USER_ID)
    changed_by_api_key: Mapped[str | None] = mapped_column(API_KEY_ID)
    # Not now(): the transaction may have started before the previous change of the product.
    changed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
