"""Accounts."""

from marshmallow import fields, validate
from marshmallow_sqlalchemy import auto_field

from models.users import Role, User
from schemas.base import (
    CREATED,
    PHONE,
    UPDATED,
    Email,
    Flag,
    RequestSchema,
    RowSchema,
    Timestamp,
    password,
    phone,
    text,
)
from schemas.ids import id_field, typeid
from schemas.pages import PageQuerySchema

USER_ID = typeid("user")
ROLE = validate.OneOf([role.value for role in Role])
ROLE_TEXT = "What the user may do: `admin` may do everything, `user` what is their own."
NAME = {"description": "The name to show; may be empty.", "example": "Jane Doe"}
EMAIL = {
    "description": "The address that the user signs in with, in lower case.",
    "example": "user@example.com",
}
PASSWORD = "From 8 to 128 characters of any kind. A long phrase is better than a short riddle."  # noqa: S105
ACTIVE = {"description": "Whether the user may sign in.", "example": True}


class UserSchema(RowSchema):
    """A user, as the user sees it."""

    class Meta(RowSchema.Meta):
        model = User

    # Not an auto_field, which would document the uuid that the column holds.
    id = id_field(USER_ID)
    email = auto_field(metadata={**EMAIL, "format": "email"})
    name = auto_field(required=True, metadata=NAME)
    phone = auto_field(
        required=True,
        metadata={
            "description": "The phone number (E.164), or null.",
            "pattern": PHONE.regex.pattern,
            "example": "+1234567890",
        },
    )
    role = auto_field(
        required=True, validate=ROLE, metadata={"description": ROLE_TEXT, "example": "user"}
    )
    created_at = Timestamp(required=True, metadata=CREATED)


class AdministeredUserSchema(UserSchema):
    """A user, as an administrator sees it."""

    is_active = auto_field(required=True, metadata=ACTIVE)
    updated_at = Timestamp(required=True, metadata=UPDATED)


class RegistrationSchema(RequestSchema):
    """A new account."""

    email = Email(
        required=True,
        metadata={
            "description": "The address to sign in with; upper and lower case are the same.",
            "example": "jane@example.com",
        },
    )
    password = password(
        8, metadata={"description": PASSWORD, "example": "correct horse battery staple"}
    )
    name = text(200, shortest=0, load_default="", metadata=NAME)
    phone = phone(
        load_default=None,
        allow_none=True,
        metadata={"description": "The phone number (E.164).", "example": "+14155550100"},
    )


class ProfileChangeSchema(RequestSchema):
    """What a user changes of their own; what is left out stays."""

    name = text(200, shortest=0, metadata=NAME)
    phone = phone(
        allow_none=True,
        metadata={
            "description": "The phone number (E.164); null removes it.",
            "example": "+1234567890",
        },
    )


class PasswordChangeSchema(RequestSchema):
    """A new password, in exchange for the current one."""

    current_password = password(
        1, metadata={"description": "The one until now.", "example": "securepassword123"}
    )
    new_password = password(
        8, metadata={"description": PASSWORD, "example": "correct horse battery staple"}
    )


class UserQuerySchema(PageQuerySchema):
    """Which users."""

    role = fields.String(
        validate=ROLE, metadata={"description": "Only users of this role.", "examples": ["user"]}
    )
    is_active = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Only active users, or only inactive ones.", "examples": [True]},
    )


class UserChangeSchema(RequestSchema):
    """What an administrator changes; what is left out stays."""

    role = fields.String(validate=ROLE, metadata={"description": ROLE_TEXT, "example": "admin"})
    is_active = Flag(metadata=ACTIVE)
