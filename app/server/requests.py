"""Requests as gunicorn has parsed them: repeated headers, and bodies that are not read."""

from collections import Counter

from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import InvalidHeader
from gunicorn.http.message import Request

# Bytes that a connection is kept for, though the application did not read them.
MAX_UNREAD = 65_536
# Headers of one value. WSGI would join two of them by a comma; gunicorn itself refuses a second
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


def refuse_repeated_headers(request: Request) -> None:
    """Raise InvalidHeader for a second header of a name that has one value (RFC 9110, 5.3)."""
    counts = Counter(name for name, _ in request.headers if name in SINGLE)
    for name, count in counts.items():
        if count > 1:
            raise InvalidHeader(name, req=request)


def is_too_long_to_skip(body: Body) -> bool:
    """Return whether the connection must end with the response, before the rest of a body.

    That is so as well where the rest has no known length: after an error, and in chunks.
    """
    if isinstance(body.reader, ChunkedReader):
        return body.failed or body.reader.parser is not None
    return body.failed or body.reader.length > MAX_UNREAD
