"""Changes between two JSON schemas, and whether they break clients."""

import operator
from typing import Any

from tools.comparison import (
    Direction,
    Found,
    Object,
    Rules,
    change_text,
    compared,
    covering,
    entries,
    unjudged,
    within,
)

Schema = Object | bool
PLACES = {"items": "each", "additionalProperties": "any other"}


def schema_changes(old: Schema, new: Schema, direction: Direction) -> Found:
    """Return the changes between two schemas of accepted or of returned values."""
    if old is False or new is False:
        if old is not new:
            refused = new is False
            text = "is refused" if refused else "is allowed"
            yield text, refused and direction is Direction.ACCEPTED
        return
    yield from compared(_plain(old), _plain(new), SCHEMA, direction)


def always_sent(schema: Schema) -> Schema:
    """Return the schema without its default, which has no effect on a required value."""
    if isinstance(schema, bool):
        return schema
    return {word: value for word, value in schema.items() if word != "default"}


def _plain(schema: Schema) -> Object:
    """Return the schema as an object, with `const` as an `enum` of one value."""
    if isinstance(schema, bool):
        return {}
    if "const" not in schema:
        return schema
    return {word: value for word, value in schema.items() if word != "const"} | {
        "enum": [schema["const"]]
    }


def _members(before: list[Any], after: list[Any], texts: tuple[str, str], breaks: bool) -> Found:
    """Yield removed and added members. If `breaks`, removals break clients, otherwise additions."""
    lost, gained = texts
    yield from ((lost.format(value), breaks) for value in before if value not in after)
    yield from ((gained.format(value), not breaks) for value in after if value not in before)


def _choice(word: str, old: Object, new: Object, direction: Direction) -> Found:
    accepted = direction is Direction.ACCEPTED
    if word in old and word in new:
        before, after = _values(word, old[word]), _values(word, new[word])
        yield from _members(before, after, ("is never `{}`", "may be `{}`"), accepted)
    else:
        narrowed = word in new
        yield change_text(word, old.get(word), new.get(word)), narrowed == accepted


def _values(word: str, value: Any) -> list[Any]:
    values = [value] if isinstance(value, str) else value
    return [*values, "integer"] if word == "type" and "number" in values else values


def _required(word: str, old: Object, new: Object, direction: Direction) -> Found:
    gone = old.get("properties", {}).keys() - new.get("properties", {}).keys()
    before = [name for name in old.get(word, ()) if name not in gone]
    texts = "`{}` is optional", "`{}` is required"
    yield from _members(before, new.get(word, []), texts, direction is Direction.RETURNED)


def _properties(word: str, old: Object, new: Object, direction: Direction) -> Found:
    sent = old.get("required", ())
    before, after = (
        {
            name: always_sent(schema) if name in sent else schema
            for name, schema in node.get(word, {}).items()
        }
        for node in (old, new)
    )
    yield from entries(schema_changes)(word, {word: before}, {word: after}, direction)


def _part(word: str, old: Object, new: Object, direction: Direction) -> Found:
    changes = schema_changes(old.get(word, True), new.get(word, True), direction)
    yield from within(PLACES[word], changes)


def _parts(word: str, old: Object, new: Object, direction: Direction) -> Found:
    """Compare the schemas of `allOf` or `anyOf` in order; another number of them breaks clients."""
    before, after = old.get(word, ()), new.get(word, ())
    if len(before) != len(after):
        yield from unjudged(word, old, new, direction)
        return
    for first, second in zip(before, after, strict=True):
        yield from within(f"`{word}`", schema_changes(first, second, direction))


def _default(word: str, old: Object, new: Object, direction: Direction) -> Found:
    """Report a changed default: it breaks clients that omit the value, not clients that read it."""
    for text, _ in unjudged(word, old, new, direction):
        yield text, direction is Direction.ACCEPTED


def _is_multiple(wide: float, narrow: float) -> bool:
    return narrow % wide == 0


SCHEMA: Rules = {
    # Generated clients name their types after the schemas or their titles.
    "$ref": unjudged,
    "title": unjudged,
    "type": _choice,
    "enum": _choice,
    "required": _required,
    "properties": _properties,
    "items": _part,
    "additionalProperties": _part,
    "allOf": _parts,
    "anyOf": _parts,
    "default": _default,
    # Two patterns cannot be compared: only the removal of a pattern certainly widens the values.
    "pattern": covering(operator.eq),
    "multipleOf": covering(_is_multiple),
    "uniqueItems": covering(operator.le, unset=False),
    **dict.fromkeys(("minLength", "minItems", "minProperties"), covering(operator.le, unset=0)),
    **dict.fromkeys(("minimum", "exclusiveMinimum"), covering(operator.le)),
    **dict.fromkeys(("maximum", "exclusiveMaximum"), covering(operator.ge)),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties"), covering(operator.ge)),
}
