"""Conditional requests (RFC 9110, section 13): `ETag`, `If-None-Match` and `If-Match`."""

from typing import Any

from flask import Response, request
from werkzeug.http import quote_etag

from models.base import etag

EXAMPLE = '"1-64a7917240a00"'
ETAG = {
    "schema": {"type": "string"},
    "description": "Version of the resource (RFC 9110), for `If-Match` and `If-None-Match`.",
    "example": EXAMPLE,
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string", "examples": [EXAMPLE]},
    "description": "The `ETag` of your cached copy. If it is current, the response is a 304.",
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    # Tools that send examples use the first one, and `*` matches every version.
    "schema": {"type": "string", "examples": ["*", EXAMPLE]},
    "description": "The `ETag` of the version to change. If the resource has changed since, the "
    "response is a 412. `*` matches every version.",
}


def add_etag(response: Response, row: Any) -> Response:
    """Return the response with an `ETag`, or a 304 if the client already has this `row`."""
    tag = etag(row)
    if request.method in {"GET", "HEAD"} and request.if_none_match.contains_weak(tag):
        response = Response(status=304)
    response.headers["ETag"] = quote_etag(tag)
    return response
