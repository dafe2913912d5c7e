"""flask-smorest's Blueprint, with what this API declares besides."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import flask_smorest
from flask_smorest.utils import unpack_tuple_response
from marshmallow import Schema

from app.access import PUBLIC
from app.conditional import ConditionalMixin
from app.declarations import declared
from app.idempotency import IdempotencyMixin
from app.pagination import PaginationMixin
from app.parser import Parser
from app.problem_docs import ProblemsMixin
from models.users import Role, Scope

LOCATION = {
    "schema": {"type": "string", "format": "uri-reference"},
    "description": "The URL of what was made.",
    "example": "/api/orders/order_01kj6zv8m4f5tbq0c9xn2hd7ea",
}
METHODS = {"get", "post", "put", "patch", "delete"}
Link = str | dict[str, str]


class Blueprint(
    PaginationMixin, IdempotencyMixin, ConditionalMixin, ProblemsMixin, flask_smorest.Blueprint
):
    """Declarations stand on the method; the work and the document both come from them."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks += [
            self._prepare_versioned_doc,
            self._prepare_idempotent_doc,
            self._prepare_access_doc,
            self._prepare_links_doc,
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

    def arguments(self, schema: type[Schema], **options: Any) -> Callable[..., Any]:
        """Declare what is accepted; the schema is made here, once, and not at each request."""
        return super().arguments(schema(), **options)

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

    @staticmethod
    def links(**links: Link) -> Callable[..., Any]:
        """Declare where a client can go on with the answer, by operationId.

        A text is the path parameter that takes the answer's `id`; a dict is the next body, its
        values taken from the request or the answer by runtime expressions (OpenAPI 3.1, 4.8.20.4).
        """

        def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
            return declared(method, links=links)

        return decorate

    @staticmethod
    def _prepare_links_doc(doc: Any, doc_info: Any, **_: Any) -> Any:
        for status in doc_info.get("success_status_codes", []) if "links" in doc_info else []:
            doc["responses"][status]["links"] = {
                name: {"operationId": name, **_followed(link)}
                for name, link in doc_info["links"].items()
            }
        return doc

    def _store_endpoint_docs(self, endpoint: str, obj: Any, *args: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, obj, *args, **options)
        for method in METHODS & self._docs[endpoint].keys():
            self._docs[endpoint][method]["access"] = getattr(obj, method).access

    @staticmethod
    def _prepare_access_doc(doc: Any, doc_info: Any, **_: Any) -> Any:
        access = doc_info["access"]
        # Not among the requirements: linters take scopes there for those of OAuth 2 only.
        doc["security"] = [] if access == PUBLIC else [{"bearerAuth": []}]
        if access != PUBLIC:
            doc["x-required-scope"] = str(access)
        docstring = doc_info["docstring"]
        docstring["description"] = f"{docstring.get('description', '')}\n\n{_who(access)}".strip()
        return doc


def _who(access: Scope | str) -> str:
    if access == PUBLIC:
        return "**Who:** anyone; no token is needed."
    roles = " and ".join(f"`{role}`" for role in Role if access in role.scopes)
    return f"**Who:** the scope `{access}`, which {roles} {'has' if ' ' not in roles else 'have'}."


def _followed(link: Link) -> dict[str, Any]:
    if isinstance(link, dict):
        described = "Its body is made of this request and its answer."
        return {"description": described, "requestBody": link}
    described = f"The `id` of this answer is its `{link}`."
    return {"description": described, "parameters": {link: "$response.body#/id"}}
