"""Problem documents (RFC 9457) for the errors of gunicorn itself."""

from http import HTTPStatus
from uuid import uuid4

import orjson
from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    ForbiddenProxyRequest,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from app.errors.http_errors import MEDIA_TYPE, TYPE_PREFIX, InternalServerError, MalformedRequest
from app.http.responses import DEFAULTS

# The first matching class applies.
STATUSES: dict[type[Exception], int] = {
    InvalidResponseHeader: 500,
    InvalidResponseHeaderName: 500,
    ConfigurationProblem: 500,
    ForbiddenProxyRequest: 403,
    LimitRequestLine: 414,
    ExpectationFailed: 417,
    LimitRequestHeaders: 431,
    UnsupportedTransferCoding: 501,
    ParseException: 400,
}


def status_of(error: BaseException) -> int:
    """Return the HTTP status for an exception of gunicorn's parser or of the application."""
    matching = (status for kind, status in STATUSES.items() if isinstance(error, kind))
    return next(matching, 500)


def response(status: int) -> bytes:
    """Return the bytes of a response with `Connection: close`."""
    kind, request_id = InternalServerError if status == 500 else MalformedRequest, uuid4().hex
    body = orjson.dumps(
        {
            "type": TYPE_PREFIX + kind.slug,
            "title": kind.title,
            "status": status,
            "detail": kind.detail,
            "request_id": request_id,
        }
    )
    headers = {
        "Connection": "close",
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **DEFAULTS,
        "X-Request-ID": request_id,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode() + body
