"""Conditional requests (RFC 9110, section 13): 304 for what is known, 412 for what changed."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request
from flask_smorest.utils import unpack_tuple_response
from werkzeug.http import quote_etag

from app.declarations import declared
from models.base import etag

ETAG = {
    "schema": {"type": "string"},
    "description": "The version of the resource (RFC 9110), for `If-Match` and `If-None-Match`.",
    "example": '"3"',
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of a copy that you have; if it is current, you get a 304.",
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` that you have read; if it has changed since, you get a 412.",
}


class ConditionalMixin:
    """Extends a Blueprint with `versioned`."""

    @staticmethod
    def versioned(method: Callable[..., Any]) -> Callable[..., Any]:
        """Declare that the resource is a versioned row, and honour its version.

        Reading answers If-None-Match. A writing method passes `self.if_match` to its service,
        which compares under the row's lock.
        """

        @wraps(method)
        def wrapper(resource: Any, *args: Any, **kwargs: Any) -> Any:
            result, status, headers = unpack_tuple_response(method(resource, *args, **kwargs))
            if result is None:
                return result
            tag = etag(result)
            headers = {**(headers or {}), "ETag": quote_etag(tag)}
            if resource.method == "GET" and request.if_none_match.contains_weak(tag):
                return Response(status=304, headers=headers)
            return result, status, headers

        return declared(wrapper, versioned=True)

    @staticmethod
    def _prepare_versioned_doc(doc: Any, doc_info: Any, *, method: str, **_: Any) -> Any:
        if "versioned" in doc_info:
            reads = method == "get"
            if method != "post" or "arguments" not in doc_info:
                doc.setdefault("parameters", []).append(IF_NONE_MATCH if reads else IF_MATCH)
            for status in doc_info.get("success_status_codes", []):
                if status != 204:
                    doc["responses"][status].setdefault("headers", {})["ETag"] = ETAG
            if reads:
                headers = {"ETag": ETAG}
                doc["responses"][304] = {"description": "Not modified", "headers": headers}
        return doc
