"""Webhook deliveries, and the position up to which the fan-out has processed the events."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Timestamped
from models.events import EVENT_ID
from models.types import PrefixedID
from models.webhook_endpoints import ENDPOINT_ID

DELIVERY_ID = PrefixedID("delivery")


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(Timestamped, Base):
    """A message to an endpoint: an event, or a test."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{status}'" for status in DeliveryStatus)),
            "status_known",
        ),
        # `event_id` is first, because pruning searches the deliveries of an event.
        Index("uq_webhook_deliveries_event_endpoint", "event_id", "endpoint_id", unique=True),
        Index("ix_webhook_deliveries_of_endpoint", "endpoint_id", "created_at", "id"),
        # A partial index, because failed deliveries are few.
        Index(
            "ix_webhook_deliveries_failed",
            *("endpoint_id", "created_at", "id"),
            postgresql_where=text("status = 'failed'"),
        ),
        Index(
            "ix_webhook_deliveries_due",
            *("endpoint_id", "next_attempt_at"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_webhook_deliveries_pruning", "updated_at"),
    )

    id: Mapped[str] = mapped_column(DELIVERY_ID, primary_key=True, default=DELIVERY_ID.new)
    endpoint_id: Mapped[str] = mapped_column(
        ENDPOINT_ID, ForeignKey("webhook_endpoints.id", ondelete="CASCADE")
    )
    # No foreign key: a test has no event, and a finished delivery may outlive its event.
    event_id: Mapped[str] = mapped_column(EVENT_ID)
    is_test: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[DeliveryStatus] = mapped_column(String(16), server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    # During an attempt to send the message: the end of the deliverer's lease.
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # Result of the last attempt.
    last_status: Mapped[int | None]
    last_latency_ms: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    last_response: Mapped[str | None] = mapped_column(Text)


class WebhookPosition(Base):
    """The last event that the fan-out has processed. The migration inserts the only row."""

    __tablename__ = "webhook_position"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    txid: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[str] = mapped_column(EVENT_ID)
