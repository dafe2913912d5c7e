"""The problems of each operation, as its declarations tell them, in the OpenAPI document."""

from collections.abc import Callable
from typing import Any

from marshmallow import Schema

from app.access import PUBLIC
from app.declarations import declared
from app.hosts import HostNotAllowed
from app.http_problems import (
    MEDIA_TYPE,
    TYPE_PREFIX,
    BadRequest,
    ContentTooLarge,
    InternalServerError,
    MalformedRequest,
    MethodNotAllowed,
    RequestTimeout,
    Unavailable,
    UnsupportedMediaType,
)
from app.idempotency import IdempotencyMixin
from app.limits import TooManyRequests
from app.parser import MalformedBody, MalformedQuery, pointers
from schemas.problems import ProblemSchema
from services.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    OutOfStock,
    PreconditionFailed,
    Problem,
    Unauthenticated,
)

RETRY_AFTER = {
    "schema": {"type": "integer", "minimum": 1},
    "description": "How many seconds to wait before the next try; with every 429 and 503, and with "
    "the 409 `request-in-flight`.",
    "example": 2,
}
CHALLENGE = {
    "schema": {"type": "string"},
    "description": "How to sign in (RFC 6750).",
    "example": 'Bearer realm="api", error="invalid_token"',
}
ALLOW = {
    "schema": {"type": "string"},
    "description": "The methods that the URL knows (RFC 9110); with every 405.",
    "example": "GET, HEAD, OPTIONS",
}
HEADERS: dict[str, dict[str, Any]] = {
    "Allow": ALLOW,
    "Retry-After": RETRY_AFTER,
    "WWW-Authenticate": CHALLENGE,
}
SHORTAGE_EXAMPLE = {"product_id": "abc", "requested": 2, "available": 1}


class ProblemsMixin:
    """Extends a Blueprint with `raises`."""

    @staticmethod
    def raises(*problems: type[Problem]) -> Callable[..., Any]:
        """Declare which refusals the service behind the method has, for the document."""

        def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
            return declared(method, raises=problems)

        return decorate

    @staticmethod
    def _prepare_problems_doc(doc: Any, doc_info: Any, **_: Any) -> Any:
        responses = doc.setdefault("responses", {})
        for status in [status for status, text in responses.items() if isinstance(text, str)]:
            del responses[status]
        problems: dict[int, list[type[Problem]]] = {}
        for problem in _problems(doc, doc_info):
            problems.setdefault(problem.status, []).append(problem)
        for status, kinds in sorted(problems.items()):
            responses[status] = _response(doc, kinds)
        responses["default"] = {
            **_response(doc, _at_other_statuses(doc)),
            "description": "Another problem: its `type` says which, and leads to a page about it.",
        }
        return doc


def _problems(doc: Any, doc_info: Any) -> list[type[Problem]]:
    """What an operation can answer with, judged by its declarations."""
    found: list[type[Problem]] = [InvalidInput, *doc_info.get("raises", ())]
    if "requestBody" in doc:
        found += [MalformedBody]
    if "idempotent" in doc_info:
        found += IdempotencyMixin.ERRORS
    if doc_info["access"] != PUBLIC:
        found += [Unauthenticated, Forbidden]
    if doc_info.get("has_path_parameters"):
        found += [NotFound]
    if any(parameter.get("name") == "If-Match" for parameter in doc.get("parameters", ())):
        found += [PreconditionFailed]
    return [*found, MalformedQuery, HostNotAllowed, BadRequest, MalformedRequest]


def _at_other_statuses(doc: Any) -> list[type[Problem]]:
    """What any operation can answer with, by how it is asked and how things stand."""
    with_body = [ContentTooLarge, UnsupportedMediaType] if "requestBody" in doc else []
    always = [MethodNotAllowed, RequestTimeout, TooManyRequests, InternalServerError, Unavailable]
    return [*with_body, *always]


def _response(doc: Any, problems: list[type[Problem]]) -> dict[str, Any]:
    kinds = dict.fromkeys(problems)
    content = {
        "schema": ProblemSchema,
        "examples": {
            kind.slug: {"summary": kind.title, "value": _example(doc, kind)} for kind in kinds
        },
    }
    return {
        "description": _named(list(kinds)),
        "content": {MEDIA_TYPE: content},
        "headers": _headers(list(kinds)),
    }


def _named(kinds: list[type[Problem]]) -> str:
    *others, last = (f"`{kind.slug}`" for kind in kinds)
    return f"{', '.join(others)} or {last}." if others else f"{kinds[0].title} ({last})."


def _headers(kinds: list[type[Problem]]) -> dict[str, Any]:
    """What comes with some of the problems; required is what comes with all of them."""
    sent = [_sent_with(kind) for kind in kinds]
    always = set.intersection(*sent)
    return {
        name: {**HEADERS[name], "required": name in always} for name in sorted(set.union(*sent))
    }


def _sent_with(kind: type[Problem]) -> set[str]:
    # Which methods a URL knows, werkzeug knows.
    return {"Allow"} if kind is MethodNotAllowed else set(kind.default_headers)


def _example(doc: Any, problem: type[Problem]) -> dict[str, Any]:
    example = {
        "type": TYPE_PREFIX + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
    }
    if problem is InvalidInput:
        example["errors"] = _input_errors(doc)
    if problem is OutOfStock:
        example["products"] = [SHORTAGE_EXAMPLE]
    return example


def _input_errors(doc: Any) -> list[dict[str, str]]:
    """What the operation says of an input with its first field wrong and no other."""
    schema = _input_schema(doc)
    if schema is None:
        return [{"pointer": "/verbose", "detail": "Unknown parameter."}]
    messages = schema.validate({next(iter(schema.fields)): {}})
    return [{"pointer": at, "detail": text} for at, text in pointers(messages)]


def _input_schema(doc: Any) -> Schema | None:
    """The schema of the body, or else of the query."""
    if "requestBody" in doc:
        return doc["requestBody"]["content"]["application/json"]["schema"]
    queries = (p["schema"] for p in doc.get("parameters", ()) if p["in"] == "query")
    return next(queries, None)
