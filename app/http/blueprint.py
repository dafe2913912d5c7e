"""Blueprint: flask-smorest's, with declarations of its own for retries, ETags, links and errors."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import flask_smorest
from marshmallow import Schema

from app.http.operation import Link, declare
from app.http.pagination import PaginationMixin
from app.http.parser import Parser
from services.errors import Problem


class Blueprint(PaginationMixin, flask_smorest.Blueprint):
    """The decorators declare; `Resource` runs the steps of a request, whatever their order."""

    ARGUMENTS_PARSER = Parser()

    def arguments(
        self, schema: type[Schema], location: str = "json", **options: Any
    ) -> Callable[..., Any]:
        """Declare the request body, or with `location="query"` the query parameters."""
        instance = schema()
        kind = "body" if location == "json" else "query"
        parse = super().arguments(instance, location=location, **options)
        return lambda method: declare(parse(method), **{kind: instance})

    def response(
        self, status_code: int, schema: type[Schema] | None = None, **options: Any
    ) -> Callable[..., Any]:
        """Declare the successful response; the resource keeps the result for `ETag` and so on."""
        dump = super().response(status_code, schema, **options)

        def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(method)
            def keep_result(resource: Any, *args: Any, **kwargs: Any) -> Any:
                resource.result = method(resource, *args, **kwargs)
                return resource.result

            return dump(keep_result)

        return decorate

    def created(self, schema: type[Schema], location: str) -> Callable[..., Any]:
        """Declare a 201 whose `Location` is filled from the result: `"/api/notes/{id}"`."""
        respond = self.response(201, schema)
        example = schema().fields["id"].metadata["example"]
        return lambda method: declare(respond(method), location=location, example_id=example)

    def etag(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Declare that the resource is a versioned row, whose version is the `ETag`.

        This replaces flask-smorest's ETag, which compares after the read, so that an update can be
        lost. A writing method passes `self.if_match` to its service, which compares under the lock
        of the row.
        """
        return declare(method, etag=True)

    @staticmethod
    def idempotent(method: Callable[..., Any]) -> Callable[..., Any]:
        """Declare that the method takes an `Idempotency-Key`."""
        return declare(method, idempotent=True)

    @staticmethod
    def raises(*problems: type[Problem]) -> Callable[..., Any]:
        """Declare the errors of the service behind the method, for the document."""
        return lambda method: declare(method, raises=problems)

    @staticmethod
    def links(**links: Link) -> Callable[..., Any]:
        """Declare the operations that can follow, by operationId.

        A string is the path parameter that takes the `id` of the response. A dict names the fields
        of the next body, and for each the runtime expression of its value (OpenAPI 3.1, 4.8.20.4).
        """
        return lambda method: declare(method, links=links)
