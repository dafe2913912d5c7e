"""TCP server that accepts connections like PostgreSQL, and then sends nothing."""

import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from struct import pack

# PostgreSQL sends these to a client that signs in.
PARAMETERS = (
    b"client_encoding\0UTF8\0",
    b"DateStyle\0ISO, MDY\0",
    b"server_version\x0018.0\0",
    b"standard_conforming_strings\0on\0",
)
WELCOME = b"".join(
    kind + pack("!i", 4 + len(body)) + body
    for kind, body in [(b"R", b"\0" * 4), *((b"S", each) for each in PARAMETERS), (b"Z", b"I")]
)
# The last data that a client sends before it closes: nothing, or the message Terminate.
ENDS = (b"", b"X\0\0\0\4")


@contextmanager
def silent(welcome: bytes) -> Iterator[tuple[str, Future[bytes]]]:
    """Yield the URL of a server that sends only `welcome`, and the last data of its client."""

    def serve() -> bytes:
        client, _ = listener.accept()
        with client:
            client.settimeout(10)
            client.recv(4096)
            if welcome:
                client.sendall(welcome)
                client.recv(4096)  # the first statement
            return client.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        url = f"postgresql+psycopg2://a@127.0.0.1:{listener.getsockname()[1]}/a"
        yield f"{url}?sslmode=disable&gssencmode=disable", thread.submit(serve)
