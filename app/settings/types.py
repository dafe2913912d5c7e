"""Field types of settings: they convert environment variables to typed values."""

from collections.abc import Callable
from typing import Any

from limits import parse_many
from marshmallow import ValidationError, fields, validate

from app import redis_client

# A year in minutes, nine minutes in milliseconds. A larger number is a mistake and could overflow.
MAX = 525_600


class CommaSeparated(fields.Field[tuple[Any, ...]]):
    """Accepts `a, b` in the environment, and a list or tuple in `config.py`.

    `read` converts each part, and raises a ValueError for an invalid one. The validation error
    lists all invalid parts, and ends with `form`, the description of a valid part.
    """

    def __init__(self, read: Callable[[str], Any] = str, form: str = "") -> None:
        super().__init__()
        self.read, self.form = read, form

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Any, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        if not (isinstance(parts, (list, tuple)) and all(isinstance(part, str) for part in parts)):
            raise ValidationError("must be comma-separated text, or a list of texts.")
        values, bad = [], []
        for part in filter(None, map(str.strip, parts)):
            try:
                values.append(self.read(part))
            except ValueError:
                bad.append(repr(part))
        if bad:
            raise ValidationError(f"has invalid values: {', '.join(bad)}. {self.form}")
        return tuple(values)


def redis_url(value: str) -> None:
    try:
        redis_client.check(value)
    except ValueError:
        raise ValidationError(
            "must be a URL such as redis://host:6379, redis+sentinel://host:26379/service "
            "or redis+cluster://host:6379."
        ) from None


def rate_limit(value: str) -> None:
    try:
        rates = parse_many(value)
    except ValueError:
        rates = []
    if not rates or any(rate.amount < 1 for rate in rates):
        raise ValidationError('must be a rate such as "300 per minute".')


def number(
    minimum: float, kind: type[fields.Field] = fields.Integer, maximum: float = MAX
) -> fields.Field:
    return kind(validate=validate.Range(min=minimum, max=maximum))


def rate() -> fields.Field:
    return fields.String(validate=rate_limit)


def choice(*values: str) -> fields.Field:
    return fields.String(validate=validate.OneOf(values))
