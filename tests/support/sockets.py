"""Requests on plain sockets, because HTTP libraries send only valid requests."""

import socket
from contextlib import ExitStack, contextmanager

import httpx

LOGIN = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
HEALTH = b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n"


@contextmanager
def connections(server, count, sent=b""):
    """Open connections, and send `sent` on each."""
    url = httpx.URL(server.url)
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection((url.host, url.port), timeout=30))
            for _ in range(count)
        ]
        for each in opened:
            each.sendall(sent)
        yield opened


def received(sock, until=b""):
    """Return the received data up to `until`, or to the end of the connection."""
    data = b""
    while not (until and until in data) and (piece := sock.recv(65536)):
        data += piece
    return data
