"""Schemas of second factors: authenticator apps and recovery codes."""

from marshmallow import fields

from schemas.base import (
    RequestSchema,
    ResponseSchema,
    StrictBoolean,
    StrictInteger,
    Timestamp,
    password,
    text,
)
from schemas.problems import extension_member

CHALLENGE_EXAMPLE = "WyJ1c2VyXzAxa2o5MmIxcGt…"
CODE = {
    "description": "Six digits of the authenticator app, or a recovery code.",
    "example": "123456",
}
RECOVERY_CODE_EXAMPLE = "5gk2-wq7x-m3ab-tz6d"

extension_member(
    "challenge",
    fields.String(
        metadata={
            "description": "The challenge for `POST /api/auth/login/second-factor`; only for "
            "`second-factor-required`.",
            "example": CHALLENGE_EXAMPLE,
        }
    ),
)


class NewSecondFactorSchema(RequestSchema):
    """The password of the account."""

    password = password(
        1, metadata={"description": "Current password.", "example": "securepassword123"}
    )


class SecondFactorCodeSchema(RequestSchema):
    """A code of the second factor."""

    code = text(40, shortest=6, required=True, metadata=CODE)


class ConfirmationSchema(RequestSchema):
    """A code of the new authenticator app."""

    code = text(
        40,
        shortest=6,
        required=True,
        metadata={"description": "Six digits of the authenticator app.", "example": "123456"},
    )


class SecondFactorLoginSchema(SecondFactorCodeSchema):
    """The second step of a sign-in."""

    challenge = text(
        1000,
        required=True,
        metadata={
            "description": "The `challenge` of the 401 `second-factor-required`.",
            "example": CHALLENGE_EXAMPLE,
        },
    )


class EnrolmentSchema(ResponseSchema):
    """The secret of a new authenticator app, which only this response contains."""

    secret = fields.String(
        required=True,
        metadata={
            "description": "Secret (base32), to type into the app.",
            "example": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        },
    )
    uri = fields.String(
        required=True,
        metadata={
            "description": "The same secret as an `otpauth://` URI, to show as a QR code.",
            "example": "otpauth://totp/API:user%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=API",
        },
    )


class NewRecoveryCodesSchema(ResponseSchema):
    """Recovery codes, which only this response contains."""

    recovery_codes = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Ten codes, each for one use without the app. Store them now.",
            "example": [RECOVERY_CODE_EXAMPLE],
        },
    )


class SecondFactorSchema(ResponseSchema):
    """The state of the second factor."""

    enabled = StrictBoolean(
        required=True,
        metadata={"description": "Whether a sign-in needs a code.", "example": True},
    )
    confirmed_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={
            "description": "Time of the confirmation (RFC 3339, UTC), or null.",
            "example": "2026-02-10T14:30:00Z",
        },
    )
    recovery_codes_left = StrictInteger(
        0,
        100,
        required=True,
        metadata={"description": "Number of unused recovery codes.", "example": 10},
    )
