"""Changes between two OpenAPI documents, and whether they break clients.

docs/decisions/0018-breaking-changes.md defines breaking changes, with reasons.
"""

import operator
from typing import NamedTuple

from tools.api_document import problems, read
from tools.comparison import (
    Direction,
    Found,
    Object,
    Rules,
    by,
    compared,
    covering,
    entries,
    unjudged,
)
from tools.schema_changes import always_sent, schema_changes


class Change(NamedTuple):
    what: str
    breaks: bool


def changes(old: Object, new: Object) -> list[Change]:
    """Return all changes that a client can notice, breaking changes first."""
    found = compared(read(old), read(new), DOCUMENT, Direction.ACCEPTED)
    return sorted((Change(*each) for each in found), key=lambda each: (not each.breaks, each.what))


def _is_required(name: str, value: Object) -> bool:
    return bool(value.get("required"))


def _asks_for_no_more(wide: list[Object], narrow: list[Object]) -> bool:
    """Return whether all security requirements that were sufficient are still sufficient.

    An empty list requires no authentication.
    """
    return all(any(_is_enough(old, new) for new in wide or [{}]) for old in narrow or [{}])


def _is_enough(old: Object, new: Object) -> bool:
    return all(scheme in old and set(new[scheme]) <= set(old[scheme]) for scheme in new)


def _schema(word: str, old: Object, new: Object, direction: Direction) -> Found:
    before, after = old.get(word, True), new.get(word, True)
    if direction is Direction.ACCEPTED and old.get("required"):
        before, after = always_sent(before), always_sent(after)
    yield from schema_changes(before, after, direction)


def _responses(word: str, old: Object, new: Object, direction: Direction) -> Found:
    excused = {at for at, asked in REASONS.items() if old.get(asked) and not new.get(asked)}
    yield from entries(
        by(RESPONSE),
        "{}",
        gone=lambda status, _: status not in excused,
        added=lambda status, _: status[0] not in "45" and status not in ("default", "304"),
    )(word, old, new, Direction.RETURNED)
    yield from _problems(problems(old), problems(new), excused)


def _problems(
    before: set[tuple[str, str]], after: set[tuple[str, str]], excused: set[str]
) -> Found:
    known = {slug for _, slug in before}
    for status, slug in before - after:
        yield f"{status}: problem `{slug}` is gone", status not in excused
    for status, slug in after - before:
        yield f"{status}: problem `{slug}` is new", slug in known


def _webhooks(word: str, old: Object, new: Object, direction: Direction) -> Found:
    yield from entries(by(WEBHOOK), "webhook {}")(word, old, new, Direction.RETURNED)


# The removal of a status breaks no client if the operation no longer has this requirement.
REASONS = {"401": "security", "403": "x-required-scope"}
CONTENT = entries(by({"schema": _schema}))
PARAMETER: Rules = {"schema": _schema, "required": covering(operator.le, unset=False)}
BODY: Rules = {"content": CONTENT, "required": covering(operator.le, unset=False)}
RESPONSE: Rules = {
    "content": CONTENT,
    "headers": entries(by(PARAMETER), "header `{}`"),
    "links": entries(by({}), "link `{}`"),
}
OPERATION: Rules = {
    "parameters": entries(by(PARAMETER), "{}", added=_is_required),
    "requestBody": entries(by(BODY), "{}", added=_is_required),
    "responses": _responses,
    "security": covering(_asks_for_no_more),
    "x-required-scope": covering(operator.eq),
    # A changed tag breaks clients: generated clients have a module for each tag.
    "tags": unjudged,
}
# The service sends these requests, and the client responds.
WEBHOOK: Rules = {
    "parameters": entries(by(PARAMETER), "{}"),
    "requestBody": entries(by(BODY), "{}"),
    "responses": entries(by({}), "response {}"),
}
DOCUMENT: Rules = {
    "operations": entries(by(OPERATION), "{}"),
    "webhooks": _webhooks,
    "schemas": entries(lambda old, new, direction: iter(()), "schema `{}`"),
    "problems": entries(by({}), "problem `{}`"),
    "securitySchemes": entries(by({}), "security scheme `{}`"),
    "servers": entries(by({}), "server {}"),
}
