"""What all schemas and their fields share: strictness."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate
from marshmallow_sqlalchemy import SQLAlchemySchema

from models.users import MAX_EMAIL, canonical_email
from schemas.fast import FastSchema

# The largest integer that every JSON reader holds exactly (RFC 8259, section 6).
MAX_EXACT = 2**53 - 1

PHONE = validate.Regexp(r"^\+[1-9][0-9]{1,14}\Z", error="Must be E.164, such as +14155550100.")
RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\dt\d\d:\d\d:)(\d\d)((?:\.\d+)?(?:z|[+-]\d\d:[0-5]\d))",
    re.ASCII | re.IGNORECASE,
)
CREATED = {"description": "When it was made (RFC 3339, UTC).", "example": "2026-02-10T14:30:00Z"}
UPDATED = {
    "description": "When it last changed (RFC 3339, UTC).",
    "example": "2026-02-10T14:30:00Z",
}


class RequestSchema(Schema):
    """What is accepted: unknown fields are refused. Loads to plain data, never to instances."""

    class Meta:
        unknown = RAISE

    # Whether no body at all means {}; else it's a 415.
    body_optional: ClassVar[bool] = False


class ResponseSchema(FastSchema):
    """What is returned."""

    class Meta:
        # A client that forbids what it doesn't know would break with the next field.
        unknown = EXCLUDE


class RowSchema(FastSchema, SQLAlchemySchema):
    """What is returned of a table's row; its fields follow the columns."""

    class Meta(ResponseSchema.Meta):
        pass


class Text(fields.String):
    """A string that PostgreSQL and UTF-8 can hold: no NUL, no lone surrogate."""

    nul = False

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if "\0" in text and not self.nul:
            raise ValidationError("Must not contain the NUL character.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValidationError("Must not contain lone surrogates.") from None
        return text


class Password(Text):
    """Any characters at all; it is hashed, so nothing has to hold it."""

    nul = True


class NormalizedLength(validate.Length):
    """Counts the characters of a password in NFKC, the form that is hashed."""

    def __call__(self, value: str) -> str:
        # A longer text is too long in each form, and takes long to normalize.
        is_short = len(value) <= 4 * (self.max or 0)
        super().__call__(unicodedata.normalize("NFKC", value) if is_short else value)
        return value


def text(longest: int, *, shortest: int = 1, **kwargs: Any) -> Text:
    """A text of `shortest` to `longest` characters."""
    # For the document; the field itself says it better than "does not match".
    kwargs["metadata"] = {"pattern": "^[^\\u0000]*$", **kwargs.get("metadata", {})}
    return Text(validate=validate.Length(shortest, longest), **kwargs)


def password(shortest: int, **kwargs: Any) -> Password:
    """A password of `shortest` to 128 characters."""
    kwargs["metadata"] = {"format": "password", **kwargs.get("metadata", {})}
    return Password(required=True, validate=NormalizedLength(shortest, 128), **kwargs)


class Whole(fields.Integer):
    """A JSON integer: no 1.5, no "1", no true. The parser of bodies reads 5.0 as 5."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **kwargs)

    def _validated(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class QueryWhole(fields.Integer):
    """An integer of a query string: ASCII digits, no sign, no space."""

    def _validated(self, value: Any) -> int:
        if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class Flag(fields.Boolean):
    """A JSON boolean: no "yes", no 1."""

    truthy = {True}  # noqa: RUF012
    falsy = {False}  # noqa: RUF012

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Email(fields.Email):
    """An email address in its canonical form: it is one account, however it is typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=MAX_EMAIL), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, *args, **kwargs)
        # Checked first, because to normalize a long text takes seconds.
        if len(address) > MAX_EMAIL or not all(map(is_unambiguous, address)):
            raise self.make_error("invalid")
        address = canonical_email(address)
        if len(address.encode()) > MAX_EMAIL or len(address.rpartition("@")[0].encode()) > 64:
            raise self.make_error("invalid")
        return address


def is_unambiguous(character: str) -> bool:
    """Return False for what an email address must not contain.

    That is a control character, an invisible one, or one that stands for another one, such as
    U+212A (Kelvin), whose lower case is "k".
    """
    if character.isascii():
        return character.isprintable()
    kind = unicodedata.category(character)[0]
    return kind in "LMN" and unicodedata.normalize("NFKC", character) == character


class Timestamp(fields.AwareDateTime):
    """A time as of RFC 3339, in UTC with `Z`; other offsets are taken, and turned into UTC.

    marshmallow takes all of ISO 8601 that Python knows, such as weeks, and any separator.
    """

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        match = RFC3339.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        before, second, after = match.groups()
        leap = second == "60"  # Python has no leap seconds: the next one is the same time
        text = f"{before}{'59' if leap else second}{after}".upper()
        time = super()._deserialize(text, *args, **kwargs)
        try:
            # PostgreSQL knows offsets of less than 16 hours only.
            time = time.astimezone(UTC) + timedelta(seconds=leap)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None
        if leap and (time.hour, time.minute) != (0, 0):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return time


def phone(**kwargs: Any) -> Text:
    """A phone number as of E.164."""
    return Text(validate=PHONE, **kwargs)
