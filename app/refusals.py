"""What gunicorn says in its own name, made to be as the service would say it."""

from http import HTTPStatus
from socket import socket
from uuid import uuid4

import orjson
from gunicorn import util
from gunicorn.http import wsgi

from app.responses import DEFAULTS

TYPE = "/api/problems/malformed-request"


def install() -> None:
    """Have gunicorn refuse as the service does, and not name itself; no setting does that."""
    util.write_error = write_error
    default = wsgi.Response.default_headers
    wsgi.Response.default_headers = lambda response: [
        line for line in default(response) if not line.startswith("Server:")
    ]


def write_error(sock: socket, status_int: int, reason: str, mesg: str) -> None:
    """Answer a request that never reached the application, and close."""
    # Not `reason`, which is "Bad Request" for a 501 too.
    title = HTTPStatus(status_int).phrase
    request_id = uuid4().hex
    body = orjson.dumps(
        {
            "type": TYPE,
            "title": title,
            "status": status_int,
            "detail": "The request is not one of HTTP/1.1, or exceeds a limit of the server.",
            "request_id": request_id,
        }
    )
    headers = {
        "Connection": "close",
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **DEFAULTS,
        "X-Request-ID": request_id,
    }
    if status_int == 503:
        headers["Retry-After"] = "2"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    util.write_nonblock(sock, f"HTTP/1.1 {status_int} {title}\r\n{lines}\r\n".encode() + body)
