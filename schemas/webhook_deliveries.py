"""Schemas of webhook deliveries."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema
from marshmallow_sqlalchemy import auto_field

from models.webhook_deliveries import DeliveryStatus, WebhookDelivery
from schemas.base import CREATED, UPDATED, RequestSchema, ResponseSchema, RowSchema, Timestamp
from schemas.ids import id_field, typeid
from schemas.pages import PageQuerySchema
from schemas.webhook_endpoints import ENDPOINT_ID

DELIVERY_ID = {**typeid("delivery"), "description": "Id of the delivery: an opaque string."}
STATUS = validate.OneOf([status.value for status in DeliveryStatus])


class WebhookDeliverySchema(RowSchema):
    """A delivery, with the result of its last attempt."""

    class Meta(RowSchema.Meta):
        model = WebhookDelivery

    # An auto_field would document the type of the column, a UUID.
    id = id_field(DELIVERY_ID)
    endpoint_id = id_field(ENDPOINT_ID)
    event_id = id_field(
        typeid("event"), metadata={"description": "The `webhook-id`: id of the event or test."}
    )
    is_test = auto_field(
        required=True, metadata={"description": "Whether the message is a test.", "example": False}
    )
    status = auto_field(
        required=True,
        validate=STATUS,
        metadata={
            "description": "`failed`: the service makes no more attempts.",
            "example": "delivered",
        },
    )
    attempts = fields.Integer(
        required=True,
        validate=validate.Range(0, 2**31 - 1),
        metadata={"description": "Number of attempts.", "example": 1, "format": "int32"},
    )
    next_attempt_at = Timestamp(
        required=True,
        metadata={
            "description": "Time of the next attempt of a pending delivery (RFC 3339, UTC).",
            "example": "2026-02-10T14:30:00Z",
        },
    )
    last_status = fields.Integer(
        required=True,
        allow_none=True,
        validate=validate.Range(100, 999),
        metadata={
            "description": "HTTP status of the last response, or null.",
            "example": 200,
            "format": "int32",
        },
    )
    last_latency_ms = fields.Integer(
        required=True,
        allow_none=True,
        validate=validate.Range(0, 2**31 - 1),
        metadata={
            "description": "Duration of the last response (milliseconds), or null.",
            "example": 87,
            "format": "int32",
        },
    )
    last_error = auto_field(
        required=True,
        metadata={
            "description": "Error of the last attempt if it had no response; otherwise null.",
            "example": None,
        },
    )
    last_response = auto_field(
        required=True,
        metadata={
            "description": "Start of the body of the last response, or null.",
            "example": "ok",
        },
    )
    created_at = Timestamp(required=True, metadata=CREATED)
    updated_at = Timestamp(required=True, metadata=UPDATED)


class WebhookDeliveryQuerySchema(PageQuerySchema):
    """Filters of the list of deliveries."""

    status = fields.String(
        validate=STATUS,
        metadata={"description": "Only deliveries with this status.", "examples": ["failed"]},
    )


class NewReplaySchema(RequestSchema):
    """A period whose events are sent again."""

    since = Timestamp(
        required=True,
        metadata={
            "description": "Start of the period (RFC 3339).",
            "example": "2026-02-10T00:00:00Z",
        },
    )
    until = Timestamp(
        load_default=lambda: datetime.now(UTC),
        metadata={
            "description": "End of the period, not included (RFC 3339); by default now.",
            "example": "2026-02-10T12:00:00Z",
        },
    )

    @validates_schema
    def ordered(self, period: dict[str, Any], **_: object) -> None:
        if "since" in period and period["until"] <= period["since"]:
            raise ValidationError("Must be later than since.", "until")


class ReplaySchema(ResponseSchema):
    """A replay."""

    deliveries = fields.Integer(
        required=True,
        validate=validate.Range(0, 2**31 - 1),
        metadata={"description": "Number of deliveries.", "example": 42, "format": "int32"},
    )
