"""Compare two JSON objects keyword by keyword with a table of rules.

A changed keyword without a rule counts as a breaking change, unless it is documentation.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

Object = dict[str, Any]
Found = Iterator[tuple[str, bool]]
"""Text of each change, and whether it breaks clients."""

DOCUMENTATION = {"title", "summary", "description", "example", "examples", "deprecated", "tags"}
DOCUMENTATION |= {"info", "externalDocs", "$comment", "$ref", "bearerFormat"}


class Direction(Enum):
    """Request or response: accepted values must not narrow, returned values must not widen."""

    ACCEPTED = "accepted"
    RETURNED = "returned"


Rule = Callable[[str, Object, Object, Direction], Found]
Rules = Mapping[str, Rule]
Comparison = Callable[[Any, Any, Direction], Found]
Judge = Callable[[str, Any], bool]


def compared(old: Object, new: Object, rules: Rules, direction: Direction) -> Found:
    """Return the changes between two objects; a rule takes precedence over DOCUMENTATION."""
    for word in old.keys() | new.keys():
        documents = word in DOCUMENTATION or word.startswith("x-")
        yield from rules.get(word, silent if documents else unjudged)(word, old, new, direction)


def by(rules: Rules) -> Comparison:
    return lambda old, new, direction: compared(old, new, rules, direction)


def within(place: str, found: Found) -> Found:
    return ((f"{place}: {text}", breaks) for text, breaks in found)


def silent(word: str, old: Object, new: Object, direction: Direction) -> Found:
    yield from ()


def unjudged(word: str, old: Object, new: Object, direction: Direction) -> Found:
    if old.get(word) != new.get(word):
        yield change_text(word, old.get(word), new.get(word)), True


def covering(covers: Callable[[Any, Any], bool], unset: Any = None) -> Rule:
    """Return the rule of a keyword that restricts values.

    Args:
        covers: Whether the first value allows everything that the second value allows.
        unset: The meaning of an absent keyword; None allows everything.
    """

    def rule(word: str, old: Object, new: Object, direction: Direction) -> Found:
        before, after = old.get(word, unset), new.get(word, unset)
        if before != after:
            accepted = direction is Direction.ACCEPTED
            wide, narrow = (after, before) if accepted else (before, after)
            fits = wide is None or (narrow is not None and covers(wide, narrow))
            yield change_text(word, before, after), not fits

    return rule


def entries(
    each: Comparison,
    label: str = "`{}`",
    gone: Judge = lambda name, value: True,
    added: Judge = lambda name, value: False,
) -> Rule:
    """Return the rule of a keyword that contains objects by name.

    Args:
        gone: Whether the removal of an object breaks clients.
        added: Whether a new object breaks clients.
    """

    def rule(word: str, old: Object, new: Object, direction: Direction) -> Found:
        before, after = old.get(word, {}), new.get(word, {})
        for name in before.keys() - after.keys():
            yield f"{label.format(name)} is gone", gone(name, before[name])
        for name in after.keys() - before.keys():
            yield f"{label.format(name)} is new", added(name, after[name])
        for name in before.keys() & after.keys():
            yield from within(label.format(name), each(before[name], after[name], direction))

    return rule


def change_text(word: str, before: Any, after: Any) -> str:
    text = f"`{word}` was {_value(before)}, and is {_value(after)}"
    return text if len(text) <= 100 else f"`{word}` has changed"


def _value(value: Any) -> str:
    return "not set" if value is None else str(value)
