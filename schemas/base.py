"""Base classes and strict field types of all schemas."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate
from marshmallow_sqlalchemy import SQLAlchemySchema

from models.users import MAX_EMAIL, canonical_email
from schemas.fast import FastSchema

# The largest integer that every JSON parser represents exactly (RFC 8259, section 6).
MAX_EXACT = 2**53 - 1

PHONE = validate.Regexp(r"^\+[1-9][0-9]{1,14}\Z", error="Must be E.164, such as +14155550100.")
RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\dt\d\d:\d\d:)(\d\d)((?:\.\d+)?(?:z|[+-]\d\d:[0-5]\d))",
    re.ASCII | re.IGNORECASE,
)
CREATED = {"description": "Time of creation (RFC 3339, UTC).", "example": "2026-02-10T14:30:00Z"}
UPDATED = {
    "description": "Time of the last change (RFC 3339, UTC).",
    "example": "2026-02-10T14:30:00Z",
}


class RequestSchema(Schema):
    """Base class of request bodies and queries: unknown fields are errors.

    Loads plain data, not instances of models.
    """

    class Meta:
        unknown = RAISE

    # True if a missing body means `{}`. Otherwise a missing body is a 415.
    body_optional: ClassVar[bool] = False


class ResponseSchema(FastSchema):
    """Base class of responses."""

    class Meta:
        # The OpenAPI document allows unknown fields, so that generated clients accept new ones.
        unknown = EXCLUDE


class RowSchema(FastSchema, SQLAlchemySchema):
    """Base class of responses with the columns of a table as fields."""

    class Meta(ResponseSchema.Meta):
        pass


class Text(fields.String):
    """A string that PostgreSQL and UTF-8 can store: no NUL, no lone surrogates."""

    allows_nul = False

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if "\0" in text and not self.allows_nul:
            raise ValidationError("Must not contain the NUL character.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValidationError("Must not contain lone surrogates.") from None
        return text


class Password(Text):
    """A string that may contain NUL, because only its hash is stored."""

    allows_nul = True


class NormalizedLength(validate.Length):
    """Validates the length of a password in NFKC, the form that is hashed."""

    def __call__(self, value: Any) -> Any:
        # A text of more than four times the maximum is too long in NFKC too, and slow to normalize.
        is_short = len(value) <= 4 * (self.max or 0)
        super().__call__(unicodedata.normalize("NFKC", value) if is_short else value)
        return value


def text(longest: int, *, shortest: int = 1, **kwargs: Any) -> Text:
    """Return a text field of `shortest` to `longest` characters."""
    # The pattern is only for the OpenAPI document; `Text` raises a clearer error.
    kwargs["metadata"] = {"pattern": "^[^\\u0000]*$", **kwargs.get("metadata", {})}
    return Text(validate=validate.Length(shortest, longest), **kwargs)


def password(shortest: int, **kwargs: Any) -> Password:
    """Return a required password field of `shortest` to 128 characters."""
    kwargs["metadata"] = {"format": "password", **kwargs.get("metadata", {})}
    return Password(required=True, validate=NormalizedLength(shortest, 128), **kwargs)


class StrictInteger(fields.Integer):
    """A JSON integer: not 1.5, "1" or true. The JSON parser reads 5.0 as 5."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **kwargs)

    def _validated(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class QueryInteger(fields.Integer):
    """An integer in a query string: ASCII digits without sign or spaces."""

    def _validated(self, value: Any) -> int:
        is_number = isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value)
        if not is_number:
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class QueryBoolean(fields.Boolean):
    """A boolean in a query string: `true` or `false`."""

    truthy = {"true"}  # noqa: RUF012
    falsy = {"false"}  # noqa: RUF012


class StrictBoolean(fields.Boolean):
    """A JSON boolean: not "yes" or 1."""

    truthy = {True}  # noqa: RUF012
    falsy = {False}  # noqa: RUF012

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class ShortList(fields.List):
    """A list in a request; checks the length first, because thousands of items take seconds."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._validate(value)
        return super()._deserialize(value, *args, **kwargs)


class Email(fields.Email):
    """An email address; loads the canonical form, so that each address has one account."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=MAX_EMAIL), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, *args, **kwargs)
        # Check the length first: to normalize a long text takes seconds.
        if len(address) > MAX_EMAIL or not all(map(is_unambiguous, address)):
            raise self.make_error("invalid")
        address = canonical_email(address)
        # RFC 5321, section 4.5.3.1, limits octets, not characters.
        if len(address.encode()) > MAX_EMAIL or len(address.rpartition("@")[0].encode()) > 64:
            raise self.make_error("invalid")
        return address


def is_unambiguous(character: str) -> bool:
    """Return whether an email address may contain the character.

    Control characters, invisible characters and Unicode equivalents of other characters are not
    allowed. An example is U+212A (Kelvin sign), whose lower case is "k".
    """
    if character.isascii():
        return character.isprintable()
    kind = unicodedata.category(character)[0]
    return kind in "LMN" and unicodedata.normalize("NFKC", character) == character


class Timestamp(fields.AwareDateTime):
    """A time in RFC 3339; loads a `datetime` in UTC.

    marshmallow alone would accept other formats of ISO 8601, such as week dates.
    """

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        match = RFC3339.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        before, second, after = match.groups()
        leap = second == "60"  # Python has no leap seconds: use the next second
        text = f"{before}{'59' if leap else second}{after}".upper()
        time = super()._deserialize(text, *args, **kwargs)
        try:
            # Convert to UTC, because PostgreSQL accepts only offsets of less than 16 hours.
            time = time.astimezone(UTC) + timedelta(seconds=leap)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None
        if leap and (time.hour, time.minute) != (0, 0):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return time


def phone(**kwargs: Any) -> Text:
    """Return a field for a phone number (E.164)."""
    return Text(validate=PHONE, **kwargs)
