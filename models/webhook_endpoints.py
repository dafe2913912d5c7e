"""Webhook endpoints."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, Text, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Versioned
from models.types import PrefixedID

ENDPOINT_ID = PrefixedID("endpoint")
MAX_URL, MAX_DESCRIPTION = 2000, 200


class DisabledReason(StrEnum):
    """Why the service disabled an endpoint."""

    GONE = "gone"  # the receiver responded with a 410
    FAILING = "failing"  # attempts have failed for five days


class WebhookEndpoint(Versioned, Base):
    """A URL that receives events."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (Index("ix_webhook_endpoints_newest_first", "created_at", "id"),)

    id: Mapped[str] = mapped_column(ENDPOINT_ID, primary_key=True, default=ENDPOINT_ID.new)
    url: Mapped[str] = mapped_column(String(MAX_URL))
    # An empty list means all types.
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    description: Mapped[str] = mapped_column(String(MAX_DESCRIPTION), server_default="")
    enabled: Mapped[bool] = mapped_column(server_default=true())
    disabled_reason: Mapped[DisabledReason | None] = mapped_column(String(16))
    # The secrets are plain text, because they sign each delivery.
    secret: Mapped[str] = mapped_column(Text)
    previous_secret: Mapped[str | None] = mapped_column(Text)
    previous_secret_expires_at: Mapped[datetime | None]
    # Time of the first failure since the last success. No response contains this time, so a change
    # of it does not change the version.
    failing_since: Mapped[datetime | None]
