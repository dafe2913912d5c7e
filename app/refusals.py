"""What gunicorn itself refuses (a request line too long, a header that can't be), as a problem document."""

from socket import socket
from uuid import uuid4

import orjson
from gunicorn import util

TYPE = "/api/problems/malformed-request"


def install() -> None:
    """Have gunicorn answer as the service does; it has no setting for that, only this function."""
    util.write_error = write_error


def write_error(sock: socket, status_int: int, reason: str, mesg: str) -> None:
    """Answer a request that never reached the application, and close."""
    request_id = uuid4().hex
    body = orjson.dumps(
        {
            "type": TYPE,
            "title": reason,
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
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Request-ID": request_id,
    }
    if status_int == 503:
        headers["Retry-After"] = "2"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    util.write_nonblock(sock, f"HTTP/1.1 {status_int} {reason}\r\n{lines}\r\n".encode() + body)
