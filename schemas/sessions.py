"""Signing in and out."""

from marshmallow import fields, validate
from marshmallow_sqlalchemy import auto_field

from models.sessions import AuthSession
from schemas.base import (
    Email,
    RequestSchema,
    ResponseSchema,
    RowSchema,
    Timestamp,
    Whole,
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
            "description": "The address of the account; upper and lower case are the same.",
            "example": "user@example.com",
        },
    )
    # As long as a new one may be, but not as short as it must be: old ones still sign in.
    password = password(
        1, metadata={"description": "The password of the account.", "example": "securepassword123"}
    )


class RefreshSchema(RequestSchema):
    """A refresh token, to be exchanged."""

    refresh_token = text(
        4096,
        required=True,
        metadata={
            "description": "That of the sign-in, or of the last refresh.",
            "example": TOKEN_EXAMPLE,
        },
    )


class TokensSchema(ResponseSchema):
    """Tokens of a session (as in RFC 6749, section 5.1)."""

    access_token = fields.String(
        required=True,
        metadata={
            "description": "Goes into the header `Authorization: Bearer …`.",
            "example": TOKEN_EXAMPLE,
        },
    )
    refresh_token = fields.String(
        required=True,
        metadata={
            "description": "Good for one refresh, which gives the next one. Keep it secret.",
            "example": TOKEN_EXAMPLE,
        },
    )
    token_type = fields.String(
        required=True,
        validate=validate.OneOf(["bearer"]),
        metadata={"description": "How the access token is used (RFC 6750).", "example": "bearer"},
    )
    expires_in = Whole(
        1,
        2**31 - 1,
        required=True,
        metadata={
            "description": "How long the access token is good for, seconds.",
            "example": 1800,
        },
    )


class LogoutSchema(RequestSchema):
    """Which sessions end."""

    body_optional = True

    sessions = fields.String(
        load_default="current",
        validate=validate.OneOf(["current", "all", "others"]),
        metadata={
            "description": "Which end: this session, all of the user's, or all but this one.",
            "example": "current",
        },
    )


class SessionSchema(RowSchema):
    """Where a user is signed in."""

    class Meta(RowSchema.Meta):
        model = AuthSession

    # Not an auto_field, which would document the uuid that the column holds.
    id = id_field(SESSION_ID)
    ip_address = auto_field(
        required=True,
        metadata={
            "description": "The address that signed in (IPv4 or IPv6), or null.",
            "example": "203.0.113.7",
        },
    )
    user_agent = auto_field(
        required=True,
        metadata={
            "description": "The program that signed in, as it calls itself, or null.",
            "example": "curl/8.11",
        },
    )
    created_at = Timestamp(
        required=True,
        metadata={"description": "When it was signed in.", "example": "2026-02-10T14:30:00Z"},
    )
    refreshed_at = Timestamp(
        required=True,
        metadata={"description": "When it was last refreshed.", "example": "2026-02-12T10:30:00Z"},
    )
    expires_at = Timestamp(
        required=True,
        metadata={
            "description": "When it ends without a refresh.",
            "example": "2026-03-14T10:30:00Z",
        },
    )
