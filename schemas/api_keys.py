"""Schemas of API keys."""

from datetime import UTC, datetime

from marshmallow import ValidationError, fields, validate, validates
from marshmallow_sqlalchemy import auto_field

from models.api_keys import MAX_NAME, APIKey
from models.users import Scope
from schemas.base import CREATED, RequestSchema, RowSchema, ShortList, Text, Timestamp, text
from schemas.ids import id_field, typeid
from schemas.users import USER_ID

API_KEY_ID = typeid("key")
API_KEY_EXAMPLE = "fak_7Tq2mX9bLc4Rz1…"
SCOPES = [scope.value for scope in Scope if scope is not Scope.CREDENTIALS]
NAME = {"description": "Name of the key, such as its place of use.", "example": "nightly export"}
SCOPES_TEXT = {
    "description": "Scopes of the key. A scope works only while the role of the owner has it, too.",
    "example": ["orders:read"],
}
SERVICE_ACCOUNT = {
    "description": "Name of the service account that owns the key; null for a key of a user.",
    "example": "warehouse",
}


class KeyScope(Text):
    """A scope of an API key; in the OpenAPI document, the schema has the name `KeyScope`."""


class NewAPIKeySchema(RequestSchema):
    """A new API key."""

    name = text(MAX_NAME, required=True, metadata=NAME)
    scopes = ShortList(
        KeyScope(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=validate.Length(1, len(SCOPES)),
        metadata={**SCOPES_TEXT, "uniqueItems": True},
    )
    expires_at = Timestamp(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Time at which the key expires (RFC 3339); null for no expiry.",
            "example": "2030-01-01T00:00:00Z",
        },
    )
    service_account = Text(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"^[a-z0-9-]{1,50}\Z", error="Use 1 to 50 of a-z, 0-9 and -."),
        # Null, so that the code samples work for every user.
        metadata={**SERVICE_ACCOUNT, "example": None},
    )

    @validates("scopes")
    def each_scope_once(self, scopes: list[str], **_: object) -> None:
        if len(set(scopes)) < len(scopes):
            raise ValidationError("Must not have a scope twice.")

    @validates("expires_at")
    def in_the_future(self, expires_at: datetime | None, **_: object) -> None:
        if expires_at and expires_at <= datetime.now(UTC):
            raise ValidationError("Must be in the future.")


class APIKeySchema(RowSchema):
    """An API key, without the key itself."""

    class Meta(RowSchema.Meta):
        model = APIKey

    # An auto_field would document the type of the column, a UUID.
    id = id_field(API_KEY_ID)
    name = auto_field(required=True, metadata=NAME)
    scopes = fields.List(fields.String(), required=True, metadata=SCOPES_TEXT)
    user_id = id_field(USER_ID, metadata={"description": "Owner of the key."})
    service_account = fields.String(required=True, allow_none=True, metadata=SERVICE_ACCOUNT)
    created_at = Timestamp(required=True, metadata=CREATED)
    expires_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={
            "description": "Time at which the key expires (RFC 3339, UTC), or null.",
            "example": "2030-01-01T00:00:00Z",
        },
    )
    last_used_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={
            "description": "Time of the last use, to the minute (RFC 3339, UTC); null if unused.",
            "example": "2026-02-10T14:30:00Z",
        },
    )


class CreatedAPIKeySchema(APIKeySchema):
    """A new API key with the key itself, which only this response contains."""

    key = fields.String(
        required=True,
        metadata={
            "description": "The key, for the header `Authorization: Bearer …`. Store it now.",
            "example": API_KEY_EXAMPLE,
        },
    )
