"""What gunicorn says in its own name, made to be as the service would say it."""

from http import HTTPStatus
from socket import socket
from uuid import uuid4

import orjson
from gunicorn import util
from gunicorn.http import wsgi

from app.errors.http_errors import (
    MEDIA_TYPE,
    TYPE_PREFIX,
    InternalServerError,
    MalformedRequest,
    RequestTimeout,
    Unavailable,
)
from app.http.responses import DEFAULTS
from services.errors import Problem

KINDS: dict[int, type[Problem]] = {
    408: RequestTimeout,
    500: InternalServerError,
    503: Unavailable,
}


def install() -> None:
    """Have gunicorn refuse as the service does, and not name itself; no setting does that."""
    util.write_error = write_error
    # An answer that breaks off is ended by app/worker.py's event loop, which watches the
    # connection: were a thread to close it, the next could get its descriptor.
    util.close_graceful = lambda _: None
    default = wsgi.Response.default_headers
    wsgi.Response.default_headers = lambda response: [
        line for line in default(response) if not line.startswith("Server:")
    ]


def write_error(sock: socket, status_int: int, reason: str, mesg: str) -> None:
    """Answer a request that never reached the application, and close."""
    kind = KINDS.get(status_int, MalformedRequest)
    request_id = uuid4().hex
    body = orjson.dumps(
        {
            "type": TYPE_PREFIX + kind.slug,
            "title": kind.title,
            "status": status_int,
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
        **kind.default_headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    # Not `reason`, which is "Bad Request" for a 501 too.
    phrase = HTTPStatus(status_int).phrase
    util.write_nonblock(sock, f"HTTP/1.1 {status_int} {phrase}\r\n{lines}\r\n".encode() + body)
