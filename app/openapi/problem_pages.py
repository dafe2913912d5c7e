"""Data for the problem pages: each problem type and the operations that return it."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from apispec import APISpec

from app.errors.http_errors import MEDIA_TYPE, TYPE_PREFIX
from services.errors import Problem


class ProblemResponse(NamedTuple):
    """An operation that returns the problem, with the URL of its documentation and an example."""

    method: str
    path: str
    url: str
    example: dict[str, Any]


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


def description(kind: type[Problem], spec: APISpec) -> dict[str, Any]:
    """Return the data of a problem type, for JSON and for the template."""
    responses = _responses(spec).get(kind.slug, [])
    example = {"type": TYPE_PREFIX + kind.slug, "title": kind.title, "status": kind.status}
    return {
        **example,
        "detail": kind.detail,
        "advice": kind.advice,
        "example": _longest_example(responses) or {**example, "detail": kind.detail},
        "operations": [
            {"method": response.method, "path": response.path, "docs": response.url}
            for response in responses
        ],
    }


def _longest_example(responses: list[ProblemResponse]) -> dict[str, Any]:
    examples = (response.example for response in responses)
    return max(examples, key=lambda it: len(str(it)), default={})


@cache
def _responses(spec: APISpec) -> dict[str, list[ProblemResponse]]:
    """Return the documented responses of each problem type, by slug."""
    responses: dict[str, list[ProblemResponse]] = {}
    for path, item in spec.to_dict()["paths"].items():
        for method in item.keys() - {"parameters"}:
            operation = item[method]
            url = f"/api/docs#/{operation['tags'][0]}/{operation['operationId']}"
            for slug, example in _examples(operation):
                response = ProblemResponse(method.upper(), path, url, example)
                responses.setdefault(slug, []).append(response)
    return {slug: sorted(found, key=lambda each: each[:2]) for slug, found in responses.items()}


def _examples(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for response in operation["responses"].values():
        media = response.get("content", {}).get(MEDIA_TYPE, {})
        for slug, example in media.get("examples", {}).items():
            yield slug, example["value"]
