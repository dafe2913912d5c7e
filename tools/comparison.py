"""The comparison of two objects, keyword by keyword, by a table of rules.

A keyword that has no rule and is no documentation can't be judged: another value is a break.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

Object = dict[str, Any]
Found = Iterator[tuple[str, bool]]
"""Each change as a text, and whether it breaks a client."""

DOCUMENTATION = {"title", "summary", "description", "example", "examples", "deprecated", "tags"}
DOCUMENTATION |= {"info", "externalDocs", "$comment", "$ref", "bearerFormat"}


class Direction(Enum):
    """Whose the values are: what is accepted must not narrow, what is returned must not widen."""

    ACCEPTED = "accepted"
    RETURNED = "returned"


Rule = Callable[[str, Object, Object, Direction], Found]
Rules = Mapping[str, Rule]
Comparison = Callable[[Any, Any, Direction], Found]
Judge = Callable[[str, Any], bool]


def compared(old: Object, new: Object, rules: Rules, direction: Direction) -> Found:
    """What has changed between two objects; a rule goes before being documentation."""
    for word in old.keys() | new.keys():
        documents = word in DOCUMENTATION or word.startswith("x-")
        yield from rules.get(word, silent if documents else unjudged)(word, old, new, direction)


def by(rules: Rules) -> Comparison:
    return lambda old, new, direction: compared(old, new, rules, direction)


def within(place: str, found: Found) -> Found:
    return ((f"{place}: {text}", hurts) for text, hurts in found)


def silent(word: str, old: Object, new: Object, direction: Direction) -> Found:
    yield from ()


def unjudged(word: str, old: Object, new: Object, direction: Direction) -> Found:
    if old.get(word) != new.get(word):
        yield told(word, old.get(word), new.get(word)), True


def covering(covers: Callable[[Any, Any], bool], unset: Any = None) -> Rule:
    """The rule of a keyword whose first value may let through all that the second does.

    `unset` is what holds without the keyword; None lets everything through.
    """

    def rule(word: str, old: Object, new: Object, direction: Direction) -> Found:
        before, after = old.get(word, unset), new.get(word, unset)
        if before != after:
            accepted = direction is Direction.ACCEPTED
            wide, narrow = (after, before) if accepted else (before, after)
            fits = wide is None or (narrow is not None and covers(wide, narrow))
            yield told(word, before, after), not fits

    return rule


def entries(
    each: Comparison,
    label: str = "`{}`",
    gone: Judge = lambda name, value: True,
    added: Judge = lambda name, value: False,
) -> Rule:
    """The rule of a keyword that holds objects by name; `gone` and `added` say what breaks."""

    def rule(word: str, old: Object, new: Object, direction: Direction) -> Found:
        before, after = old.get(word, {}), new.get(word, {})
        for name in before.keys() - after.keys():
            yield f"{label.format(name)} is gone", gone(name, before[name])
        for name in after.keys() - before.keys():
            yield f"{label.format(name)} is new", added(name, after[name])
        for name in before.keys() & after.keys():
            yield from within(label.format(name), each(before[name], after[name], direction))

    return rule


def told(word: str, before: Any, after: Any) -> str:
    text = f"`{word}` was {_value(before)}, and is {_value(after)}"
    return text if len(text) <= 100 else f"`{word}` is another"


def _value(value: Any) -> str:
    return "not set" if value is None else str(value)
