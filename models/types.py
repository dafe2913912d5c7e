"""Column types: ids that a client sees as text."""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Dialect, String, Text, Uuid
from sqlalchemy.types import TypeDecorator
from typeid import TypeID
from typeid.codecs import base32
from typeid.core.errors import TypeIDException

NOBODY = UUID(int=0).hex
PRODUCT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class PrefixedID(TypeDecorator[str]):
    """`order_01kj…` in Python, a plain `uuid` in the database.

    What isn't such an id binds as the nil UUID, which no row has: it's simply absent.
    """

    impl = Uuid(as_uuid=False)
    cache_ok = True

    def __init__(self, prefix: str) -> None:
        super().__init__(as_uuid=False)
        self.prefix = prefix

    def new(self) -> str:
        """A new id (a UUIDv7, so that ids sort by time)."""
        return str(TypeID(self.prefix))

    # With `process_bind_param` and `process_result_value` it would be three calls an id.
    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return lambda value: None if value is None else to_uuid(value, self.prefix)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], str | None]:
        return partial(to_typeid, self.prefix)


def to_uuid(value: str, prefix: str) -> str:
    """The UUID, in hexadecimal, of an id as clients see it; or the nil UUID."""
    # What is longer is none, and must not be kept in memory.
    return _parsed(value, prefix) if len(value) == len(prefix) + 27 else NOBODY


@lru_cache(maxsize=10_000)
def _parsed(value: str, prefix: str) -> str:
    try:
        parsed = TypeID.from_string(value)
    except (TypeIDException, ValueError):
        return NOBODY
    return parsed.uuid_bytes.hex() if parsed.prefix == prefix else NOBODY


@lru_cache(maxsize=10_000)
def to_typeid(prefix: str, uuid: UUID | str | None) -> str | None:
    """The id that clients see, of a UUID; of none, none."""
    if uuid is None:
        return None
    return f"{prefix}_{base32.encode(bytes.fromhex(str(uuid).replace('-', '')))}"


class JSONText(TypeDecorator[orjson.Fragment]):
    """A text of JSON that goes into an answer as it is, without being read on the way."""

    impl = Text
    cache_ok = True

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[str | None], orjson.Fragment | None]:
        return lambda value: None if value is None else orjson.Fragment(value)


class ProductID(TypeDecorator[str]):
    """A merchant's own id; what can't be one binds as '', which no row has."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or PRODUCT_ID.fullmatch(value) else ""
