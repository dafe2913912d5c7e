"""Schemas of sign-in, tokens and sessions."""

from marshmallow import fields, validate
from marshmallow_sqlalchemy import auto_field

from models.sessions import AuthSession
from schemas.base import (
    Email,
    RequestSchema,
    ResponseSchema,
    RowSchema,
    StrictInteger,
    Timestamp,
    password,
    text,
)
from schemas.ids import id_field, typeid

SESSION_ID = typeid("session")
TOKEN_EXAMPLE = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…"  # noqa: S105


class CredentialsSchema(RequestSchema):
    """An email address and its password."""

    email = Email(
        required=True,
        metadata={
            "description": "Email address of the account; not case-sensitive.",
            "example": "user@example.com",
        },
    )
    # No minimum of 8, so that accounts with a shorter password can still sign in.
    password = password(
        1, metadata={"description": "Password of the account.", "example": "securepassword123"}
    )


class RefreshSchema(RequestSchema):
    """A refresh token to exchange."""

    refresh_token = text(
        4096,
        required=True,
        metadata={
            "description": "The latest `refresh_token` of the session.",
            "example": TOKEN_EXAMPLE,
        },
    )


class TokensSchema(ResponseSchema):
    """Tokens of a session (as in RFC 6749, section 5.1)."""

    access_token = fields.String(
        required=True,
        metadata={
            "description": "Token for the header `Authorization: Bearer …`.",
            "example": TOKEN_EXAMPLE,
        },
    )
    refresh_token = fields.String(
        required=True,
        metadata={
            "description": "Token for one exchange, which returns the next one. Keep it secret.",
            "example": TOKEN_EXAMPLE,
        },
    )
    token_type = fields.String(
        required=True,
        validate=validate.OneOf(["bearer"]),
        metadata={"description": "Type of the access token (RFC 6750).", "example": "bearer"},
    )
    expires_in = StrictInteger(
        1,
        2**31 - 1,
        required=True,
        metadata={
            "description": "Lifetime of the access token in seconds.",
            "example": 1800,
        },
    )


class LogoutSchema(RequestSchema):
    """The sessions to end."""

    body_optional = True

    sessions = fields.String(
        load_default="current",
        validate=validate.OneOf(["current", "all", "others"]),
        metadata={
            "description": "Sessions to end: the current one, all of the user, or all others.",
            "example": "current",
        },
    )


class SessionSchema(RowSchema):
    """A session of a user."""

    class Meta(RowSchema.Meta):
        model = AuthSession

    # An auto_field would document the type of the column, a UUID.
    id = id_field(SESSION_ID)
    ip_address = auto_field(
        required=True,
        metadata={
            "description": "IP address of the sign-in (IPv4 or IPv6), or null.",
            "example": "203.0.113.7",
        },
    )
    user_agent = auto_field(
        required=True,
        metadata={
            "description": "`User-Agent` header of the sign-in, or null.",
            "example": "curl/8.11",
        },
    )
    created_at = Timestamp(
        required=True,
        metadata={
            "description": "Time of the sign-in (RFC 3339, UTC).",
            "example": "2026-02-10T14:30:00Z",
        },
    )
    refreshed_at = Timestamp(
        required=True,
        metadata={
            "description": "Time of the last refresh (RFC 3339, UTC).",
            "example": "2026-02-12T10:30:00Z",
        },
    )
    expires_at = Timestamp(
        required=True,
        metadata={
            "description": "Time at which the session ends without a refresh (RFC 3339, UTC).",
            "example": "2026-03-14T10:30:00Z",
        },
    )
