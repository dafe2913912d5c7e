"""HTTP request of a webhook (urllib3): to a checked address, with a deadline and no redirects."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException

from urllib3 import BaseHTTPResponse, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from services.webhook_addresses import (
    DEFAULT_PORTS,
    AddressRules,
    Receiver,
    ReceiverError,
    read_url,
    resolve,
)

USER_AGENT = "flask-api-webhooks"
MAX_ADDRESSES = 4
MAX_EXCERPT = 4096
MAX_REASON = 200
MAX_RETRY_AFTER = 86_400
WATCH_SECONDS = 0.1
# The deadlines of the open connections.
deadlines: dict[socket.socket, float] = {}


@dataclass(frozen=True)
class Response:
    """`excerpt` has the first 4 KiB of the body; `retry_after` is in seconds, at most a day."""

    status: int
    latency_ms: int
    excerpt: str
    retry_after: float | None


class RequestFailed(Exception):  # noqa: N818 (the name of the event, as in services/errors.py)
    """There is no response; the message gives the reason."""


def post(
    url: str, headers: Mapping[str, str], body: bytes, rules: AddressRules, timeout: float = 15.0
) -> Response:
    """Send a POST request, and return the response, whatever its status is.

    `timeout` is the limit in seconds for the whole request. Only a slow DNS lookup can take longer,
    because it cannot be interrupted.

    Raises:
        RequestFailed: the URL is not allowed, or there is no response in time.
    """
    started = time.monotonic()
    deadline = started + timeout
    try:
        receiver = read_url(url, rules)
        connection = connect(receiver, rules, deadline)
        with closing(connection), shut_down_at(deadline, connection.sock):
            send(connection, receiver, headers, body)
            response, excerpt = receive(connection, deadline)
    except (ReceiverError, HTTPError, HTTPException, OSError) as error:
        late = time.monotonic() >= deadline
        reason = f"No response within {timeout:g} seconds." if late else reason_of(error)
        raise RequestFailed(reason) from error
    latency_ms = round((time.monotonic() - started) * 1000)
    return Response(response.status, latency_ms, excerpt, retry_after(response))


def connect(receiver: Receiver, rules: AddressRules, deadline: float) -> HTTPConnection:
    """Resolve the host once, and connect to the first address that accepts the connection."""
    *others, last = resolve(receiver, rules)[:MAX_ADDRESSES]
    for address in others:
        with suppress(NewConnectionError, ConnectTimeoutError):
            return connect_to(receiver, address, deadline)
    return connect_to(receiver, last, deadline)


def connect_to(receiver: Receiver, address: str, deadline: float) -> HTTPConnection:
    """Connect to an address; TLS verifies the certificate against the host of the URL."""
    connection = new_connection(receiver, address)
    # TCP gets half of the time that is left, so that another address, or TLS, has the other half.
    connection.timeout = remaining(deadline) / 2
    connection.connect()
    connection.timeout = remaining(deadline)
    return connection


def new_connection(receiver: Receiver, address: str) -> HTTPConnection:
    if receiver.scheme == "http":
        return HTTPConnection(address, receiver.port)
    return HTTPSConnection(
        address, receiver.port, server_hostname=receiver.host, ssl_context=tls_context()
    )


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context for all requests, because loading the certificates is slow."""
    return ssl.create_default_context()


def remaining(deadline: float) -> float:
    """Return the seconds until the deadline; raise TimeoutError after it."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


@contextmanager
def shut_down_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """Shut down the socket at the deadline, because a socket timeout restarts with each byte."""
    start_watch()
    deadlines[sock] = deadline
    try:
        yield
    finally:
        del deadlines[sock]


@cache
def start_watch() -> None:
    """Start one thread for all connections: a timer for each would cost more than the request."""
    threading.Thread(target=watch, name="deadlines", daemon=True).start()


def watch() -> None:
    while True:
        time.sleep(WATCH_SECONDS)
        now = time.monotonic()
        for sock, deadline in deadlines.copy().items():
            if deadline <= now:
                shut_down(sock)


def shut_down(sock: socket.socket) -> None:
    with suppress(OSError):
        # `SSLSocket.shutdown` would remove the TLS state, which a read in another thread needs.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def send(
    connection: HTTPConnection, receiver: Receiver, headers: Mapping[str, str], body: bytes
) -> None:
    """Send the request; `Host` has the host of the URL, not the resolved address."""
    host = f"[{receiver.host}]" if ":" in receiver.host else receiver.host
    default = receiver.port == DEFAULT_PORTS[receiver.scheme]
    own = {
        "Host": host if default else f"{host}:{receiver.port}",
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    target = receiver.target if receiver.target.startswith("/") else f"/{receiver.target}"
    connection.request(
        "POST", target, body, {**headers, **own}, preload_content=False, decode_content=False
    )


def receive(connection: HTTPConnection, deadline: float) -> tuple[BaseHTTPResponse, str]:
    """Return the response and the start of its body."""
    with closing(connection.getresponse()) as response:
        remaining(deadline)  # http.client accepts headers that end at the deadline
        return response, read_excerpt(response)


def read_excerpt(response: BaseHTTPResponse) -> str:
    """Return the start of the body, or less if it does not arrive in time or is malformed.

    Only the status counts: an attempt with a success status and an incomplete body has succeeded.
    """
    data = b""
    with suppress(HTTPError, HTTPException, OSError):
        while piece := response.read1(MAX_EXCERPT - len(data)):
            data += piece
    return storable(data.decode("utf-8", "replace"))


def retry_after(response: BaseHTTPResponse) -> float | None:
    """Return the seconds in `Retry-After`, which is a number or a date (RFC 9110)."""
    with suppress(HTTPError, ValueError, OverflowError):
        return Retry(retry_after_max=MAX_RETRY_AFTER).get_retry_after(response)
    return None


def reason_of(error: Exception) -> str:
    cause = error.__cause__ or error
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return storable(text[:MAX_REASON])


def storable(text: str) -> str:
    """Return the text without NUL, which PostgreSQL does not store."""
    return text.replace("\0", "")
