"""Asks again when an answer was lost, or when the service says to come back later."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime

import httpx

PATIENCE_SECONDS = 30.0
# For the body of an answer: httpx limits the wait for each part of it, and not for the whole.
BODY_SECONDS = 30.0
# Of a request that only reads, or has an Idempotency-Key. 409: its twin is still being worked on.
COME_BACK = {409, 502, 503, 504}


class RetryTransport(httpx.BaseTransport):
    """Repeats what can be repeated without being done twice, until `patience` seconds are over."""

    def __init__(
        self, transport: httpx.BaseTransport | None = None, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._transport = transport or httpx.HTTPTransport()
        self._patience = patience

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + self._patience
        for pause in pauses():
            try:
                response = self._whole(request)
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError):
                raise  # the caller's mistake, and the same each time
            except httpx.TransportError:
                if not repeatable(request) or time.monotonic() + pause > deadline:
                    raise
            else:
                pause = max(pause, retry_after(response))
                if not worth_repeating(request, response) or time.monotonic() + pause > deadline:
                    return response
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _whole(self, request: httpx.Request) -> httpx.Response:
        """The answer with its body, which may be lost on the way as well."""
        response = self._transport.handle_request(request)
        with closing(response):
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = Timely(response.stream, time.monotonic() + BODY_SECONDS)
            response.read()
        return response

    def close(self) -> None:
        self._transport.close()


class Timely(httpx.SyncByteStream):
    """A body that counts as lost if it is not whole by `end`."""

    def __init__(self, stream: httpx.SyncByteStream, end: float) -> None:
        self._stream = stream
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            if time.monotonic() > self._end:
                raise httpx.ReadTimeout("The answer has been coming for too long.")
            yield part

    def close(self) -> None:
        self._stream.close()


def pauses() -> Iterator[float]:
    """Seconds, twice as many each time, up to 8; by chance less, lest all clients come at once."""
    longest = 0.25
    while True:
        yield longest * random.uniform(0.5, 1)  # noqa: S311
        longest = min(2 * longest, 8)


def repeatable(request: httpx.Request) -> bool:
    """Whether the request may arrive twice and be done once."""
    reads = request.method in {"GET", "HEAD"}
    # If the first answer is lost, so are its tokens: nothing gets worse by asking again.
    exchanges = request.url.path.endswith("/api/auth/refresh")
    return reads or exchanges or "Idempotency-Key" in request.headers


def worth_repeating(request: httpx.Request, response: httpx.Response) -> bool:
    if response.status_code == 409 and "Retry-After" not in response.headers:
        return False
    # What is over a limit has not been done, so any request may come again.
    again = repeatable(request) and response.status_code in COME_BACK
    return again or response.status_code == 429


def retry_after(response: httpx.Response) -> float:
    """Seconds to wait at least: a number, or until a date (RFC 9110, section 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    if re.fullmatch("[0-9]+", value):
        return float(value)
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0
