"""Error responses of each operation in the OpenAPI document."""

from typing import Any

from marshmallow import Schema

from app.auth.quotas import TooManyRequests
from app.errors.http_errors import (
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
from app.http.api_keys import ExposedAPIKey
from app.http.hosts import HostNotAllowed
from app.http.idempotency import MalformedKey
from app.http.operation import Operation
from app.http.parser import MalformedBody, MalformedQuery, pointers
from models.users import Role
from services.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    Problem,
    RecentSignInRequired,
    RequestInFlight,
    SecondFactorMissing,
    Unauthenticated,
)

RETRY_AFTER = {
    "schema": {"type": "integer", "minimum": 1},
    "description": "Seconds to wait before the next attempt; sent with every 429 and 503, and with "
    "the 409 `request-in-flight`.",
    "example": 2,
}
CHALLENGE = {
    "schema": {"type": "string"},
    "description": "Authentication scheme and error (RFC 6750).",
    "example": 'Bearer realm="api", error="invalid_token"',
}
ALLOW = {
    "schema": {"type": "string"},
    "description": "Methods that the URL supports (RFC 9110); sent with every 405.",
    "example": "GET, HEAD, OPTIONS",
}
HEADERS: dict[str, dict[str, Any]] = {
    "Allow": ALLOW,
    "Retry-After": RETRY_AFTER,
    "WWW-Authenticate": CHALLENGE,
}
SCHEMA = {"$ref": "#/components/schemas/Problem"}


def error_responses(operation: Operation, doc: dict[str, Any], path: str) -> dict[Any, Any]:
    """Return the error responses of an operation by status; `default` is for other statuses."""
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in _problems(operation, doc, path):
        by_status.setdefault(problem.status, []).append(problem)
    responses: dict[Any, Any] = {
        status: _response(operation, kinds) for status, kinds in sorted(by_status.items())
    }
    responses["default"] = {
        **_response(operation, _at_any_status(operation)),
        "description": "Any other error; see `type`.",
    }
    return responses


def _problems(operation: Operation, doc: dict[str, Any], path: str) -> list[type[Problem]]:
    found: list[type[Problem]] = [InvalidInput, *operation.raises]
    if operation.body:
        found += [MalformedBody]
    if operation.idempotent:
        found += [MalformedKey, IdempotencyKeyReused, RequestInFlight]
    if operation.access != "public":
        found += [Unauthenticated, Forbidden]
    if operation.access not in {"public", *Role.USER.scopes}:
        found += [SecondFactorMissing]
    if operation.recent_sign_in:
        found += [RecentSignInRequired]
    if "{" in path:
        found += [NotFound]
    if any(parameter.get("name") == "If-Match" for parameter in doc.get("parameters", ())):
        found += [PreconditionFailed]
    always = [MalformedQuery, ExposedAPIKey, HostNotAllowed, BadRequest, MalformedRequest]
    return [*found, *always]


def _at_any_status(operation: Operation) -> list[type[Problem]]:
    with_body = [ContentTooLarge, UnsupportedMediaType] if operation.body else []
    always = [MethodNotAllowed, RequestTimeout, TooManyRequests, InternalServerError, Unavailable]
    return [*with_body, *always]


def _response(operation: Operation, problems: list[type[Problem]]) -> dict[str, Any]:
    kinds = dict.fromkeys(problems)
    examples = {
        kind.slug: {"summary": kind.title, "value": _example(operation, kind)} for kind in kinds
    }
    return {
        "description": _description(list(kinds)),
        "content": {MEDIA_TYPE: {"schema": SCHEMA, "examples": examples}},
        "headers": _headers(list(kinds)),
    }


def _description(kinds: list[type[Problem]]) -> str:
    *others, last = (f"`{kind.slug}`" for kind in kinds)
    return f"{', '.join(others)} or {last}." if others else f"{kinds[0].title} ({last})."


def _headers(kinds: list[type[Problem]]) -> dict[str, Any]:
    """Return the headers of the problems; a header that every problem has is required."""
    sent = [_sent_with(kind) for kind in kinds]
    always = set.intersection(*sent)
    return {
        name: {**HEADERS[name], "required": name in always} for name in sorted(set.union(*sent))
    }


def _sent_with(kind: type[Problem]) -> set[str]:
    # Werkzeug sets `Allow`, so `default_headers` does not contain it.
    return {"Allow"} if kind is MethodNotAllowed else set(kind.default_headers)


def problem_example(problem: type[Problem]) -> dict[str, Any]:
    """Return an example of the problem document."""
    return {
        "type": TYPE_PREFIX + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
        **problem.example,
    }


def _example(operation: Operation, problem: type[Problem]) -> dict[str, Any]:
    example = problem_example(problem)
    if problem is InvalidInput:
        example["errors"] = _input_errors(operation.body or operation.query)
    return example


def _input_errors(schema: Schema | None) -> list[dict[str, str]]:
    """Return the errors of a request with an invalid first field and no other fields."""
    if schema is None:
        return [{"pointer": "/verbose", "detail": "Unknown parameter."}]
    messages = schema.validate({next(iter(schema.fields)): {}})
    return [{"pointer": at, "detail": text} for at, text in pointers(messages)]
