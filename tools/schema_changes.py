"""What has changed between two JSON schemas, and whether it breaks who sends or who reads."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

UPPER = ("maximum", "maxLength", "maxItems")
LOWER = ("minimum", "minLength", "minItems")
COMPOSED = ("allOf", "anyOf", "oneOf", "const")
Found = Iterator[tuple[str, bool]]


class Direction(Enum):
    """Whose the values are: what is accepted must not narrow, what is returned must not widen."""

    ACCEPTED = "accepted"
    RETURNED = "returned"


def schema_changes(
    at: str, old: dict[str, Any], new: dict[str, Any], direction: Direction
) -> Found:
    """Each change as a text, and whether it breaks a client; `at` says where the schema is."""
    accepted = direction is Direction.ACCEPTED
    yield from _types(at, old, new, accepted)
    yield from _values(at, old.get("enum"), new.get("enum"), accepted)
    yield from _shapes(at, old, new, accepted)
    yield from _bounds(at, old, new, accepted)
    yield from _properties(at, old, new, direction)
    if "items" in old and "items" in new:
        yield from schema_changes(f"{at}[]", old["items"], new["items"], direction)
    for word in COMPOSED:
        if old.get(word) != new.get(word):
            yield f"{at}: `{word}` is another", True


def _types(at: str, old: dict[str, Any], new: dict[str, Any], accepted: bool) -> Found:
    before, after = _type_set(old), _type_set(new)
    for name in sorted(before - after):
        yield f"{at} is no longer {name}", accepted or not before & after
    for name in sorted(after - before):
        yield f"{at} may be {name}", not accepted


def _type_set(schema: dict[str, Any]) -> set[str]:
    types = schema.get("type", ())
    found = {types} if isinstance(types, str) else set(types)
    return found | {"integer"} if "number" in found else found


def _values(at: str, old: list[Any] | None, new: list[Any] | None, accepted: bool) -> Found:
    if old is None or new is None:
        if old != new:
            narrowed = old is None
            yield f"{at} is {'one of a few' if narrowed else 'any text'}", narrowed == accepted
        return
    yield from ((f"{at} is never {value!r}", accepted) for value in old if value not in new)
    yield from ((f"{at} may be {value!r}", not accepted) for value in new if value not in old)


def _shapes(at: str, old: dict[str, Any], new: dict[str, Any], accepted: bool) -> Found:
    for word in ("pattern", "format"):
        before, after = old.get(word), new.get(word)
        if before != after:
            # One pattern can't be told to be wider than another, but none is wider than all. What
            # is returned is parsed by its format, and by its pattern hardly ever.
            hurts = after is not None if accepted else word == "format" and before is not None
            yield f"{at}: `{word}` was {before}, and is {after}", hurts
    if old.get("default") != new.get("default"):
        yield f"{at}: left out, it was {old.get('default')}, and is {new.get('default')}", False


def _bounds(at: str, old: dict[str, Any], new: dict[str, Any], accepted: bool) -> Found:
    for word in (*UPPER, *LOWER):
        before, after = old.get(word), new.get(word)
        if before != after:
            yield f"{at}: `{word}` was {before}, and is {after}", accepted and _narrower(
                word, before, after
            )


def _narrower(word: str, before: int | None, after: int | None) -> bool:
    if before is None or after is None:
        return before is None
    return after < before if word in UPPER else after > before


def _properties(at: str, old: dict[str, Any], new: dict[str, Any], direction: Direction) -> Found:
    accepted = direction is Direction.ACCEPTED
    before, after = old.get("properties", {}), new.get("properties", {})
    was, needed = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before.keys() - after.keys()):
        yield f"{at}: `{name}` is gone", True
    for name in sorted(after.keys() - before.keys()):
        must = accepted and name in needed
        yield f"{at}: `{name}` is new{', and required' if must else ''}", must
    for name in sorted(before.keys() & after.keys()):
        if (name in was) != (name in needed):
            required = name in needed
            text = "required" if required else "optional"
            yield f"{at}: `{name}` is {text}", required == accepted
        yield from schema_changes(f"{at}: `{name}`", before[name], after[name], direction)
    if accepted and new.get("additionalProperties") is False is not old.get("additionalProperties"):
        yield f"{at}: unknown fields are refused", True
