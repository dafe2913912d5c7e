"""Extended flask-smorest Blueprint: decorators that declare the properties of operations."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import flask_smorest
from marshmallow import Schema
from werkzeug.http import http_date

from app.http.operation import Link, declare
from app.http.pagination import PaginationMixin
from app.http.parser import Parser
from services.errors import Problem


class Blueprint(PaginationMixin, flask_smorest.Blueprint):
    """Blueprint whose decorators store declarations for `Resource`, in any order.

    `arguments` and `response` also wrap the method, to parse the request and serialize the result.
    """

    ARGUMENTS_PARSER = Parser()

    def arguments(
        self, schema: type[Schema], location: str = "json", **options: Any
    ) -> Callable[..., Any]:
        """Declare the request body, or the query parameters with `location="query"`."""
        instance = schema()
        kind = "body" if location == "json" else "query"
        parse = super().arguments(instance, location=location, **options)
        return lambda method: declare(parse(method), **{kind: instance})

    def response(
        self, status_code: int, schema: type[Schema] | None = None, **options: Any
    ) -> Callable[..., Any]:
        """Declare the successful response; store the result of the method in `resource.result`."""
        dump = super().response(status_code, schema, **options)

        def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(method)
            def keep_result(resource: Any, *args: Any, **kwargs: Any) -> Any:
                resource.result = method(resource, *args, **kwargs)
                return resource.result

            return dump(keep_result)

        return decorate

    def created(self, schema: type[Schema], location: str) -> Callable[..., Any]:
        """Declare a 201 with a `Location` template such as `"/api/notes/{id}"`."""
        respond = self.response(201, schema)
        example = schema().fields["id"].metadata["example"]
        return lambda method: declare(respond(method), location=location, example_id=example)

    def etag(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Declare that the response has an `ETag`: the version of the row.

        flask-smorest compares `If-Match` before the row is locked, so an update can be lost.
        So a method that writes passes `self.if_match` to its service, which locks the row, then
        compares.
        """
        return declare(method, etag=True)

    @staticmethod
    def idempotent(method: Callable[..., Any]) -> Callable[..., Any]:
        """Declare that the method accepts an `Idempotency-Key`."""
        return declare(method, idempotent=True)

    @staticmethod
    def raises(*problems: type[Problem]) -> Callable[..., Any]:
        """Declare the errors of the service function, for the OpenAPI document."""
        return lambda method: declare(method, raises=problems)

    @staticmethod
    def deprecated(since: datetime, sunset: datetime | None = None) -> Callable[..., Any]:
        """Declare that the method is deprecated, and may be removed after `sunset`.

        Successful responses have the headers `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
        """
        headers = {"Deprecation": f"@{int(since.timestamp())}"}
        if sunset:
            headers["Sunset"] = http_date(sunset)
        return lambda method: declare(method, deprecation=headers)

    @staticmethod
    def links(**links: Link) -> Callable[..., Any]:
        """Declare OpenAPI links to other operations, by operationId.

        A string names the path parameter that takes the `id` of the response. A dict maps fields of
        the next request body to runtime expressions (OpenAPI 3.1, 4.8.20.4).
        """
        return lambda method: declare(method, links=links)
