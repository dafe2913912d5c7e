"""Retries after a lost response, 409, 429, 502, 503 and 504."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime

import httpx

PATIENCE_SECONDS = 30.0
# Limit for the whole body of a response, because a timeout of httpx applies to one read.
BODY_SECONDS = 30.0
# For requests that are safe to repeat. A 409 with Retry-After: an attempt is still in progress.
RETRY_STATUSES = {409, 502, 503, 504}


class RetryTransport(httpx.BaseTransport):
    """Retry requests that are safe to repeat, for at most `patience` seconds."""

    def __init__(
        self, transport: httpx.BaseTransport | None = None, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._transport = transport or httpx.HTTPTransport()
        self._patience = patience

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + self._patience
        for pause in pauses():
            try:
                response = self._read(request)
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError):
                raise  # an error of the caller: a retry would fail too
            except httpx.TransportError:
                if not repeatable(request) or time.monotonic() + pause > deadline:
                    raise
            else:
                pause = max(pause, retry_after(response))
                if not worth_repeating(request, response) or time.monotonic() + pause > deadline:
                    return response
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _read(self, request: httpx.Request) -> httpx.Response:
        """Return the response with its body, so that a loss of the connection in it is retried."""
        response = self._transport.handle_request(request)
        with closing(response):
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = DeadlineStream(response.stream, time.monotonic() + BODY_SECONDS)
            response.read()
        return response

    def close(self) -> None:
        self._transport.close()


class DeadlineStream(httpx.SyncByteStream):
    """Response body that raises ReadTimeout if it is not complete by `end`."""

    def __init__(self, stream: httpx.SyncByteStream, end: float) -> None:
        self._stream = stream
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            if time.monotonic() > self._end:
                raise httpx.ReadTimeout("The response body took too long.")
            yield part

    def close(self) -> None:
        self._stream.close()


def pauses() -> Iterator[float]:
    """Yield the seconds before each retry: exponential backoff up to 8 seconds, with jitter."""
    longest = 0.25
    while True:
        yield longest * random.uniform(0.5, 1)  # noqa: S311
        longest = min(2 * longest, 8)


def repeatable(request: httpx.Request) -> bool:
    """Return whether the request is safe to repeat."""
    reads = request.method in {"GET", "HEAD"}
    # Without a retry, a lost response would lose the new tokens, and so the session.
    exchanges = request.url.path.endswith("/api/auth/refresh")
    return reads or exchanges or "Idempotency-Key" in request.headers


def worth_repeating(request: httpx.Request, response: httpx.Response) -> bool:
    if response.status_code == 409 and "Retry-After" not in response.headers:
        return False
    # A request over a rate limit was not processed, so any request is safe to repeat.
    again = repeatable(request) and response.status_code in RETRY_STATUSES
    return again or response.status_code == 429


def retry_after(response: httpx.Response) -> float:
    """Return the seconds in Retry-After: a number or a date (RFC 9110, section 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    if re.fullmatch("[0-9]+", value):
        return float(value)
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0
