"""Data for the problem pages: all problem types, and the description of each."""

from collections.abc import Iterator
from typing import Any

from app.openapi.errors import problem_example
from services.errors import Problem


def kinds() -> dict[str, type[Problem]]:
    """Return all problem types by slug, in the order of their statuses."""
    found: dict[str, type[Problem]] = {}
    for kind in _descendants(Problem):
        found.setdefault(kind.slug, kind)
    return dict(sorted(found.items(), key=lambda item: (item[1].status, item[0])))


def _descendants(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def description(kind: type[Problem]) -> dict[str, Any]:
    """Return the data of a problem type, for JSON and for the template."""
    example = problem_example(kind)
    members = {name: example[name] for name in ("type", "title", "status", "detail")}
    return {**members, "advice": kind.advice, "example": example}
