"""Schemas of webhook endpoints."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates
from marshmallow_sqlalchemy import auto_field

from models.events import EventType
from models.webhook_endpoints import MAX_DESCRIPTION, MAX_URL, DisabledReason, WebhookEndpoint
from schemas.base import (
    CREATED,
    UPDATED,
    RequestSchema,
    RowSchema,
    ShortList,
    StrictBoolean,
    Text,
    Timestamp,
    text,
)
from schemas.ids import id_field, typeid

ENDPOINT_ID = typeid("endpoint")
TYPES = [each.value for each in EventType]
URL = {
    "description": "URL that receives the events: https, and port 443 or 8443.",
    "example": "https://example.com/webhooks",
}
EVENT_TYPES = {
    "description": "Types of the events to send; empty for all types, also future ones.",
    "example": ["user.registered"],
}
DESCRIPTION = {"description": "Note for yourself.", "example": "accounting"}
ENABLED = {"description": "Whether events are sent.", "example": True}


class SubscribedType(Text):
    """A type of event; the OpenAPI document names this schema `SubscribedType`."""


def event_types(**options: Any) -> ShortList:
    return ShortList(
        SubscribedType(validate=validate.OneOf(TYPES)),
        validate=validate.Length(0, len(TYPES)),
        metadata={**EVENT_TYPES, "uniqueItems": True},
        **options,
    )


class WebhookEndpointChangeSchema(RequestSchema):
    """Changes of a webhook endpoint; omitted fields keep their values."""

    url = text(MAX_URL, metadata=URL)
    event_types = event_types()
    description = text(MAX_DESCRIPTION, shortest=0, metadata=DESCRIPTION)
    enabled = StrictBoolean(metadata=ENABLED)

    @validates("event_types")
    def each_type_once(self, types: list[str], **_: object) -> None:
        if len(set(types)) < len(types):
            raise ValidationError("Must not have a type twice.")


class NewWebhookEndpointSchema(WebhookEndpointChangeSchema):
    """A new webhook endpoint."""

    url = text(MAX_URL, required=True, metadata=URL)
    event_types = event_types(load_default=list)
    description = text(MAX_DESCRIPTION, shortest=0, load_default="", metadata=DESCRIPTION)
    enabled = StrictBoolean(load_default=True, metadata=ENABLED)


class WebhookEndpointSchema(RowSchema):
    """A webhook endpoint, without its secret."""

    class Meta(RowSchema.Meta):
        model = WebhookEndpoint

    # An auto_field would document the type of the column, a UUID.
    id = id_field(ENDPOINT_ID)
    url = auto_field(required=True, metadata=URL)
    event_types = fields.List(fields.String(), required=True, metadata=EVENT_TYPES)
    description = auto_field(required=True, metadata=DESCRIPTION)
    enabled = auto_field(required=True, metadata=ENABLED)
    disabled_reason = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*(each.value for each in DisabledReason), None]),
        metadata={
            "description": "Why the service disabled the endpoint: `gone` after a 410, `failing` "
            "after five days of failed attempts; otherwise null.",
            "example": None,
        },
    )
    previous_secret_expires_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={
            "description": "Time until which the previous secret also signs (RFC 3339, UTC); null "
            "if the secret was never rotated.",
            "example": "2026-02-11T14:30:00Z",
        },
    )
    created_at = Timestamp(required=True, metadata=CREATED)
    updated_at = Timestamp(required=True, metadata=UPDATED)


class WebhookEndpointWithSecretSchema(WebhookEndpointSchema):
    """A webhook endpoint with a new secret, which only this response contains."""

    secret = fields.String(
        required=True,
        metadata={
            "description": "Key of the signatures (Standard Webhooks 1.0). Store it now.",
            "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        },
    )
