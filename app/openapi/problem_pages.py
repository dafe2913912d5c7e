"""What there is to read of a kind of problem: its class, and the operations that answer so."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from apispec import APISpec

from app.errors.http_errors import MEDIA_TYPE, TYPE_PREFIX
from services.errors import Problem


class Answer(NamedTuple):
    """An operation that answers with the problem, where to read of it, and how it looks."""

    method: str
    path: str
    url: str
    example: dict[str, Any]


def kinds() -> dict[str, type[Problem]]:
    """All kinds of problems by their slugs, in the order of their statuses."""
    found: dict[str, type[Problem]] = {}
    for kind in _descendants(Problem):
        found.setdefault(kind.slug, kind)
    return dict(sorted(found.items(), key=lambda item: (item[1].status, item[0])))


def _descendants(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def description(kind: type[Problem], spec: APISpec) -> dict[str, Any]:
    """The kind of problem for programs, and for the template."""
    responses = _responses(spec).get(kind.slug, [])
    example = {"type": TYPE_PREFIX + kind.slug, "title": kind.title, "status": kind.status}
    return {
        **example,
        "detail": kind.detail,
        "advice": kind.advice,
        "example": _richest(responses) or {**example, "detail": kind.detail},
        "operations": [
            {"method": answer.method, "path": answer.path, "docs": answer.url}
            for answer in responses
        ],
    }


def _richest(responses: list[Answer]) -> dict[str, Any]:
    return max((answer.example for answer in responses), key=lambda it: len(str(it)), default={})


@cache
def _responses(spec: APISpec) -> dict[str, list[Answer]]:
    """The operations that the document says to answer with a problem, by its slug."""
    responses: dict[str, list[Answer]] = {}
    for path, item in spec.to_dict()["paths"].items():
        for method in item.keys() - {"parameters"}:
            operation = item[method]
            url = f"/api/docs#/{operation['tags'][0]}/{operation['operationId']}"
            for slug, example in _examples(operation):
                answer = Answer(method.upper(), path, url, example)
                responses.setdefault(slug, []).append(answer)
    return {slug: sorted(found, key=lambda answer: answer[:2]) for slug, found in responses.items()}


def _examples(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for response in operation["responses"].values():
        media = response.get("content", {}).get(MEDIA_TYPE, {})
        for slug, example in media.get("examples", {}).items():
            yield slug, example["value"]
