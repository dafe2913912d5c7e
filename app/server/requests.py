"""Checks of gunicorn's parsed requests: repeated headers and unread bodies."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import InvalidHeader
from gunicorn.http.message import Request

# Maximum bytes of an unread body that the worker reads to keep the connection open.
MAX_UNREAD = 65_536
# Headers with a single value, which WSGI would join with a comma. gunicorn itself rejects a second
# Content-Length, Content-Type and Host. Tracing handles a second `traceparent` (W3C).
SINGLE = frozenset(
    {
        "ACCESS-CONTROL-REQUEST-METHOD",
        "AUTHORIZATION",
        "CONTENT-LENGTH",
        "CONTENT-TYPE",
        "HOST",
        "IDEMPOTENCY-KEY",
        "IF-MODIFIED-SINCE",
        "IF-RANGE",
        "IF-UNMODIFIED-SINCE",
        "ORIGIN",
        "RANGE",
    }
)
# `current.request` is gunicorn's request in the current thread or greenlet.
current = threading.local()


def refuse_repeated_headers(request: Request) -> None:
    """Raise InvalidHeader for a repeated header that allows one value (RFC 9110, 5.3)."""
    counts = Counter(name for name, _ in request.headers if name in SINGLE)
    for name, count in counts.items():
        if count > 1:
            raise InvalidHeader(name, req=request)


def is_too_long_to_skip(body: Body) -> bool:
    """Return True if the connection must close instead of reading the rest of the body.

    This includes bodies with an unknown rest: after an error, and unfinished chunked bodies.
    """
    if isinstance(body.reader, ChunkedReader):
        return body.failed or body.reader.parser is not None
    return body.failed or body.reader.length > MAX_UNREAD


def announce_close(wsgi: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Wrap an application to send `Connection: close` before the worker closes a connection.

    Otherwise the client would lose its next request (RFC 9112, section 9.6).
    """

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(*args: Any) -> Any:
            if is_too_long_to_skip(environ["wsgi.input"]):
                current.request.force_close()
            return start_response(*args)

        return wsgi(environ, start)

    return application
