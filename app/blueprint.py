"""flask-smorest's Blueprint, with what this API declares besides."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import flask_smorest
from flask_smorest.utils import unpack_tuple_response

from app.access import PUBLIC
from app.conditional import ConditionalMixin
from app.hosts import HostNotAllowed
from app.idempotency import IdempotencyMixin
from app.pagination import PaginationMixin
from app.parser import MalformedBody, Parser
from app.problems import MEDIA_TYPE, TYPE_PREFIX
from schemas.problems import ProblemSchema
from services.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    Problem,
    Unauthenticated,
)

LOCATION = {"schema": {"type": "string", "format": "uri-reference"}, "description": "Its URL."}
METHODS = {"get", "post", "put", "patch", "delete"}


class Blueprint(PaginationMixin, IdempotencyMixin, ConditionalMixin, flask_smorest.Blueprint):
    """Declarations stand on the method; the work and the document both come from them."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks += [
            self._prepare_versioned_doc,
            self._prepare_idempotent_doc,
            self._prepare_access_doc,
            self._prepare_problems_doc,
        ]

    def route(self, rule: str, **options: Any) -> Callable[[type], type]:
        """Declare the URL, and the operationId of each method: `route("", get="listOrders")`."""
        names = {method: options.pop(method) for method in METHODS & options.keys()}

        def decorate(resource: type) -> type:
            flask_smorest.Blueprint.route(self, rule, **options)(resource)
            docs = self._docs[self._endpoints[-1]]
            assert set(names) == docs.keys() - {"parameters"}, f"{rule}: an operationId is missing"
            for method, name in names.items():
                docs[method].setdefault("manual_doc", {})["operationId"] = name
                docs[method]["has_path_parameters"] = "<" in rule
            return resource

        return decorate

    def created(self, schema: type[Any], location: str) -> Callable[..., Any]:
        """Declare a 201 with `Location`: `created(OrderSchema, "/api/orders/{id}")`."""

        def decorate(method: Callable[..., Any]) -> Any:
            @wraps(method)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                result, status, headers = unpack_tuple_response(method(*args, **kwargs))
                at = {"Location": location.format(id=result.id)}
                return result, status, {**(headers or {}), **at}

            return self.response(201, schema, headers={"Location": LOCATION})(wrapper)

        return decorate

    def raises(self, *problems: type[Problem]) -> Callable[..., Any]:
        """Declare which refusals the service behind the method has, for the document."""

        def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
            method._apidoc = {**getattr(method, "_apidoc", {}), "raises": problems}  # type: ignore[attr-defined]
            return method

        return decorate

    def _store_endpoint_docs(self, endpoint: str, obj: Any, *args: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, obj, *args, **options)
        for method in METHODS & self._docs[endpoint].keys():
            self._docs[endpoint][method]["access"] = getattr(obj, method).access

    @staticmethod
    def _prepare_access_doc(doc: Any, doc_info: Any, **_: Any) -> Any:
        access = doc_info["access"]
        doc["security"] = [] if access == PUBLIC else [{"bearerAuth": [str(access)]}]
        return doc

    def _prepare_problems_doc(self, doc: Any, doc_info: Any, **_: Any) -> Any:
        responses = doc.setdefault("responses", {})
        for status in [status for status, text in responses.items() if isinstance(text, str)]:
            del responses[status]
        problems: dict[int, list[type[Problem]]] = {}
        for problem in _problems(doc, doc_info):
            problems.setdefault(problem.status, []).append(problem)
        for status, kinds in sorted(problems.items()):
            responses[status] = _response(dict.fromkeys(kinds))
        responses["default"] = _problem_body("Any other problem, such as 413, 415, 429 or 503.")
        return doc


def _problems(doc: Any, doc_info: Any) -> list[type[Problem]]:
    """What an operation can answer with, judged by its declarations."""
    found: list[type[Problem]] = [HostNotAllowed, InvalidInput, *doc_info.get("raises", ())]
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
    return found


def _response(problems: Any) -> dict[str, Any]:
    body = _problem_body(
        " Or: ".join(f"{problem.title} (`{problem.slug}`)." for problem in problems)
    )
    body["content"][MEDIA_TYPE]["examples"] = {
        problem.slug: {"summary": problem.title, "value": _example(problem)} for problem in problems
    }
    return body


def _problem_body(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": ProblemSchema}}}


def _example(problem: type[Problem]) -> dict[str, Any]:
    return {
        "type": TYPE_PREFIX + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
    }
