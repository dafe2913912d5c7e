"""Events: records of changes, with the user or the API key that made the change."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import PrefixedID

EVENT_ID = PrefixedID("event")


class EventType(StrEnum):
    """Type of an event. The database has no constraint for it, so a new type needs no migration."""

    ORDER_CREATED = "order.created"
    ORDER_PAID = "order.paid"
    ORDER_SHIPPED = "order.shipped"
    ORDER_DELIVERED = "order.delivered"
    ORDER_CANCELLED = "order.cancelled"
    PRODUCT_CREATED = "product.created"
    PRODUCT_UPDATED = "product.updated"
    PRODUCT_RETIRED = "product.retired"
    PRODUCT_STOCK_LOW = "product.stock_low"
    USER_REGISTERED = "user.registered"
    USER_DEACTIVATED = "user.deactivated"
    USER_ROLE_CHANGED = "user.role_changed"
    USER_EMAIL_VERIFIED = "user.email_verified"
    USER_EMAIL_CHANGED = "user.email_changed"
    USER_PASSWORD_CHANGED = "user.password_changed"  # noqa: S105 (a name)
    USER_PASSWORD_RESET = "user.password_reset"  # noqa: S105 (a name)
    USER_TOTP_ENABLED = "user.totp_enabled"
    USER_TOTP_DISABLED = "user.totp_disabled"
    USER_RECOVERY_CODE_USED = "user.recovery_code_used"
    USER_RECOVERY_CODES_REPLACED = "user.recovery_codes_replaced"
    USER_ERASED = "user.erased"
    SESSION_REUSE_DETECTED = "session.reuse_detected"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    WEBHOOK_ENDPOINT_CREATED = "webhook_endpoint.created"
    WEBHOOK_ENDPOINT_UPDATED = "webhook_endpoint.updated"
    WEBHOOK_ENDPOINT_DELETED = "webhook_endpoint.deleted"
    WEBHOOK_ENDPOINT_SECRET_ROTATED = "webhook_endpoint.secret_rotated"  # noqa: S105 (a name)
    WEBHOOK_ENDPOINT_DISABLED = "webhook_endpoint.disabled"


class Event(Base):
    """An event, inserted by the transaction of the change that it describes."""

    __tablename__ = "events"
    __table_args__ = (
        # One index for the whole list, and one for each filter.
        Index("ix_events_in_order", "txid", "id"),
        Index("ix_events_of_type", "type", "txid", "id"),
        Index("ix_events_of_resource", "resource_id", "txid", "id"),
        Index("ix_events_of_actor", "actor_id", "txid", "id"),
    )

    id: Mapped[str] = mapped_column(EVENT_ID, primary_key=True, default=EVENT_ID.new)
    # Id of the transaction; see `services.events.FINISHED`. SQLAlchemy has no type for xid8.
    txid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint")
    )
    type: Mapped[EventType] = mapped_column(Text)
    # The prefixed id, as in the API, because it can refer to one of several tables. No foreign key:
    # an event outlives its resource, and the check would slow each insertion down.
    resource_id: Mapped[str] = mapped_column(Text)
    # NULL if the resource has no versions.
    resource_version: Mapped[int | None] = mapped_column(BigInteger)
    # Only ids, statuses, roles, reasons and numbers, so no personal data.
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # Id of a user or an API key; NULL for the service itself.
    actor_id: Mapped[str | None] = mapped_column(Text)
    # NULL if a command recorded the event.
    request_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
