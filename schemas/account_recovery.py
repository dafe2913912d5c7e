"""Schemas of email verification, email changes and password resets."""

from schemas.base import Email, RequestSchema, Text, password, text
from schemas.users import PASSWORD

TOKEN_EXAMPLE = "2S0mZ1xW8cQ5yKf3uJ7hVbN4tRgE6aLpDiOoUwXzC9M"  # noqa: S105


def token() -> Text:
    metadata = {"description": "The token of the link in the mail.", "example": TOKEN_EXAMPLE}
    return text(200, required=True, metadata=metadata)


class AccountTokenSchema(RequestSchema):
    """A token from a mail."""

    token = token()


class ForgottenPasswordSchema(RequestSchema):
    """The email address of an account."""

    email = Email(
        required=True,
        metadata={
            "description": "Email address of the account; not case-sensitive.",
            "example": "user@example.com",
        },
    )


class PasswordResetSchema(RequestSchema):
    """A token from a mail and a new password."""

    token = token()
    password = password(
        8, metadata={"description": PASSWORD, "example": "correct horse battery staple"}
    )


class EmailChangeSchema(RequestSchema):
    """A new email address and the current password."""

    email = Email(
        required=True,
        metadata={
            "description": "New email address; not case-sensitive.",
            "example": "new@example.com",
        },
    )
    password = password(
        1, metadata={"description": "Current password.", "example": "securepassword123"}
    )
