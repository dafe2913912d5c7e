"""Schemas of user accounts."""

from marshmallow import fields, validate
from marshmallow_sqlalchemy import auto_field

from models.users import Role, User
from schemas.base import (
    CREATED,
    PHONE,
    UPDATED,
    Email,
    RequestSchema,
    RowSchema,
    StrictBoolean,
    Timestamp,
    password,
    phone,
    text,
)
from schemas.ids import id_field, typeid
from schemas.pages import PageQuerySchema

USER_ID = typeid("user")
ROLE = validate.OneOf([role.value for role in Role])
# The role `service` belongs to service accounts only.
NEW_ROLE = validate.OneOf([Role.USER.value, Role.ADMIN.value])
ROLE_TEXT = "Role: `admin` has access to everything, `user` to their own profile and orders."
ROLE_SHOWN = f"{ROLE_TEXT} `service` is a program with API keys, which cannot sign in."
NAME = {"description": "Display name; may be empty.", "example": "Jane Doe"}
EMAIL = {
    "description": "Email address for the sign-in, in lower case.",
    "example": "user@example.com",
}
PASSWORD = (
    "From 8 to 128 characters; the service can require more. A long phrase is best."  # noqa: S105
)
ACTIVE = {"description": "Whether the user may sign in.", "example": True}


class UserSchema(RowSchema):
    """The profile of the current user."""

    class Meta(RowSchema.Meta):
        model = User

    # An auto_field would document the type of the column, a UUID.
    id = id_field(USER_ID)
    email = auto_field(metadata={**EMAIL, "format": "email"})
    name = auto_field(required=True, metadata=NAME)
    phone = auto_field(
        required=True,
        metadata={
            "description": "Phone number (E.164), or null.",
            "pattern": PHONE.regex.pattern,
            "example": "+1234567890",
        },
    )
    role = auto_field(
        required=True, validate=ROLE, metadata={"description": ROLE_SHOWN, "example": "user"}
    )
    email_verified_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={
            "description": "Time at which the user opened the link in a mail (RFC 3339, UTC), or "
            "null.",
            "example": "2026-02-10T14:35:00Z",
        },
    )
    created_at = Timestamp(required=True, metadata=CREATED)


class AdministeredUserSchema(UserSchema):
    """A user in responses to an administrator."""

    is_active = auto_field(required=True, metadata=ACTIVE)
    updated_at = Timestamp(required=True, metadata=UPDATED)


class RegistrationSchema(RequestSchema):
    """A new account."""

    email = Email(
        required=True,
        metadata={
            "description": "Email address for the sign-in; not case-sensitive.",
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
        metadata={"description": "Phone number (E.164).", "example": "+14155550100"},
    )


class ProfileChangeSchema(RequestSchema):
    """Changes of the user's own profile; omitted fields keep their values."""

    name = text(200, shortest=0, metadata=NAME)
    phone = phone(
        allow_none=True,
        metadata={
            "description": "Phone number (E.164); null deletes it.",
            "example": "+1234567890",
        },
    )


class PasswordChangeSchema(RequestSchema):
    """The current and the new password."""

    current_password = password(
        1, metadata={"description": "Current password.", "example": "securepassword123"}
    )
    new_password = password(
        8, metadata={"description": PASSWORD, "example": "correct horse battery staple"}
    )


class UserQuerySchema(PageQuerySchema):
    """Filters of the list of users."""

    role = fields.String(
        validate=ROLE, metadata={"description": "Only users with this role.", "examples": ["user"]}
    )
    is_active = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Only active users, or only inactive ones.", "examples": [True]},
    )


class UserChangeSchema(RequestSchema):
    """Changes by an administrator; omitted fields keep their values."""

    role = fields.String(validate=NEW_ROLE, metadata={"description": ROLE_TEXT, "example": "admin"})
    is_active = StrictBoolean(metadata=ACTIVE)
