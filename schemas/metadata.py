"""Metadata: key-value pairs of the API consumer, such as a number in another system."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from models.orders import MAX_METADATA
from schemas.base import text

MAX_KEY, MAX_VALUE = 40, 500
# A change can delete all pairs and add as many new ones.
MAX_CHANGES = 2 * MAX_METADATA
EXAMPLE = {"invoice": "2026-0117"}
DESCRIPTION = (
    f"Your own key-value pairs: at most {MAX_METADATA}, with keys of at most {MAX_KEY} and values "
    f"of at most {MAX_VALUE} characters. Do not store secrets in them."
)
PAIRS = {"description": DESCRIPTION, "example": EXAMPLE, "maxProperties": MAX_METADATA}


class Metadata(fields.Dict):
    """Key-value pairs in a request; the pointer of an error ends with the key."""

    def __init__(self, value: fields.Field, **documented: Any) -> None:
        super().__init__(text(MAX_KEY), value, metadata=documented)
        self.most: int = documented["maxProperties"]

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        # Check the number of pairs first, because a body can contain thousands.
        if isinstance(value, Mapping) and len(value) > self.most:
            raise ValidationError(f"Must have at most {self.most} keys.")
        try:
            return super()._deserialize(value, *args, **kwargs)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            raise ValidationError(by_key(error.messages)) from error


def by_key(messages: Any) -> Any:
    """Return the messages by key, without marshmallow's extra level `key` or `value`."""
    if not isinstance(messages, Mapping):
        return messages
    return {
        key: [text for texts in each.values() for text in texts] for key, each in messages.items()
    }


def new_metadata() -> fields.Field:
    """Return the field `metadata` of a new resource."""
    return Metadata(text(MAX_VALUE), **PAIRS)


def changed_metadata() -> fields.Field:
    """Return the field `metadata` of a change; a null or empty value deletes its key."""
    value = text(MAX_VALUE, shortest=0, allow_none=True)
    changes = "Keys to change; the others stay. A null or empty value deletes its key."
    return Metadata(value, description=changes, example=EXAMPLE, maxProperties=MAX_CHANGES)


def metadata() -> fields.Field:
    """Return the field `metadata` of a response."""
    return fields.Dict(values=fields.String(), required=True, metadata=PAIRS)
