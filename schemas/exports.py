"""Schemas of the export of personal data."""

from marshmallow import fields
from marshmallow_sqlalchemy import auto_field

from models.idempotency import IdempotencyKey
from models.mails import Mail
from schemas.api_keys import APIKeySchema
from schemas.base import CREATED, ResponseSchema, RowSchema, Timestamp
from schemas.events import EventSchema
from schemas.orders import OrderSchema
from schemas.second_factors import SecondFactorSchema
from schemas.sessions import SessionSchema
from schemas.users import AdministeredUserSchema

REVOKED = {
    "description": "Time of the revocation (RFC 3339, UTC), or null.",
    "example": "2026-02-12T10:30:00Z",
}


SENT = {
    "description": "Time at which the mail server accepted the mail (RFC 3339, UTC), or null.",
    "example": "2026-02-12T10:30:00Z",
}


class ExportedSessionSchema(SessionSchema):
    """A session, also one that has ended."""

    revoked_at = Timestamp(required=True, allow_none=True, metadata=REVOKED)


class ExportedAPIKeySchema(APIKeySchema):
    """An API key, also one that has expired or was revoked."""

    revoked_at = Timestamp(required=True, allow_none=True, metadata=REVOKED)


class ExportedIdempotencyKeySchema(RowSchema):
    """An `Idempotency-Key` of a request."""

    class Meta(RowSchema.Meta):
        model = IdempotencyKey

    key = auto_field(
        required=True,
        metadata={
            "description": "The key as it was sent.",
            "example": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
        },
    )
    created_at = Timestamp(required=True, metadata=CREATED)


class ExportedMailSchema(RowSchema):
    """A mail to the user."""

    class Meta(RowSchema.Meta):
        model = Mail

    kind = auto_field(
        required=True, metadata={"description": "Purpose of the mail.", "example": "verify_email"}
    )
    address = auto_field(
        required=True,
        metadata={"description": "Address of the recipient.", "example": "user@example.com"},
    )
    created_at = Timestamp(required=True, metadata=CREATED)
    sent_at = Timestamp(required=True, allow_none=True, metadata=SENT)


class ExportSchema(ResponseSchema):
    """All data about a user."""

    account = fields.Nested(
        AdministeredUserSchema, required=True, metadata={"description": "The account."}
    )
    second_factor = fields.Nested(
        SecondFactorSchema,
        required=True,
        metadata={"description": "The state of the second factor."},
    )
    sessions = fields.List(
        fields.Nested(ExportedSessionSchema),
        required=True,
        metadata={"description": "Stored sessions, also ended ones, oldest first."},
    )
    api_keys = fields.List(
        fields.Nested(ExportedAPIKeySchema),
        required=True,
        metadata={"description": "API keys of the user, oldest first."},
    )
    idempotency_keys = fields.List(
        fields.Nested(ExportedIdempotencyKeySchema),
        required=True,
        metadata={"description": "Idempotency keys of the last 24 hours, oldest first."},
    )
    mails = fields.List(
        fields.Nested(ExportedMailSchema),
        required=True,
        metadata={"description": "Mails of the last seven days, oldest first."},
    )
    events = fields.List(
        fields.Nested(EventSchema),
        required=True,
        metadata={
            "description": "Events by the user, and about the account, its sessions and API keys. "
            "The `actor` is null if another user made the change."
        },
    )
    orders = fields.List(
        fields.Nested(OrderSchema),
        required=True,
        metadata={"description": "Orders of the user, newest first."},
    )
