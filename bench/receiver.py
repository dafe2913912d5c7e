"""Receiver of webhooks for the benchmark: `python -m bench.receiver PORT`.

The server accepts every message, one after another. `GET /` returns the number of messages.
"""

import re
import socket
import sys
from contextlib import suppress

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TIMEOUT_SECONDS = 5


def serve(port: int) -> None:
    received = 0
    with socket.create_server(("127.0.0.1", port), backlog=512) as server:
        while True:
            connection, _ = server.accept()
            connection.settimeout(TIMEOUT_SECONDS)
            with connection, suppress(OSError):
                received += read(connection).startswith(b"POST")
                body = b"%d" % received
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )


def read(connection: socket.socket) -> bytes:
    """Return a request, or the received part of it if the connection closes early."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
        head, end, body = data.partition(b"\r\n\r\n")
        match = LENGTH.search(head)
        if end and len(body) >= int(match[1] if match else 0):
            break
    return data


if __name__ == "__main__":
    serve(int(sys.argv[1]))
