"""Accounts."""

from marshmallow import fields, validate
from marshmallow_sqlalchemy import auto_field

from models.users import Role, User
from schemas.base import Email, Flag, RequestSchema, RowSchema, Timestamp, password, phone, text
from schemas.pages import PageQuerySchema

EXAMPLE_ID = "user_01kj6zv8m4f5tbq0c9xn2hd7ea"
ROLE = validate.OneOf([role.value for role in Role])


class UserSchema(RowSchema):
    """A user, as the user sees it."""

    class Meta(RowSchema.Meta):
        model = User

    # Not an auto_field, which would document the uuid that the column holds.
    id = fields.String(required=True, metadata={"example": EXAMPLE_ID})
    email = auto_field(metadata={"example": "user@example.com", "format": "email"})
    name = auto_field(required=True, metadata={"example": "John Doe"})
    phone = auto_field(
        required=True, metadata={"description": "E.164, or null.", "example": "+1234567890"}
    )
    role = auto_field(required=True, validate=ROLE, metadata={"example": "user"})
    created_at = Timestamp(required=True, metadata={"example": "2026-01-15T10:30:00Z"})


class AdministeredUserSchema(UserSchema):
    """A user, as an administrator sees it."""

    is_active = auto_field(
        required=True, metadata={"description": "Whether the user may sign in.", "example": True}
    )
    updated_at = Timestamp(required=True, metadata={"example": "2026-01-15T10:30:00Z"})


class RegistrationSchema(RequestSchema):
    """A new account."""

    email = Email(required=True, metadata={"example": "jane@example.com"})
    password = password(8, metadata={"example": "correct horse battery staple"})
    name = text(200, shortest=0, load_default="", metadata={"example": "Jane Doe"})
    phone = phone(
        load_default=None,
        allow_none=True,
        metadata={"description": "E.164.", "example": "+14155550100"},
    )


class ProfileChangeSchema(RequestSchema):
    """What a user changes of their own; what is left out stays."""

    name = text(200, shortest=0, metadata={"example": "Jane Doe"})
    phone = phone(
        allow_none=True,
        metadata={"description": "E.164; null removes it.", "example": "+1234567890"},
    )


class PasswordChangeSchema(RequestSchema):
    """A new password, in exchange for the current one."""

    current_password = password(1, metadata={"example": "securepassword123"})
    new_password = password(8, metadata={"example": "correct horse battery staple"})


class UserQuerySchema(PageQuerySchema):
    """Which users."""

    role = fields.String(validate=ROLE, metadata={"description": "Only users of this role."})
    is_active = fields.Boolean(
        truthy={"true"}, falsy={"false"}, metadata={"description": "Only active or inactive ones."}
    )


class UserChangeSchema(RequestSchema):
    """What an administrator changes; what is left out stays."""

    role = fields.String(validate=ROLE, metadata={"example": "admin"})
    is_active = Flag(metadata={"description": "Whether the user may sign in.", "example": True})
