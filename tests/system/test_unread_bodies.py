"""A response before a connection closes has `Connection: close` (RFC 9112, section 9.6)."""

import socket
from contextlib import closing

import httpx
import pytest

LARGE, SMALL = 200_000, 60_000
JSON = b"Content-Type: application/json\r\n"
LOGIN = b"POST /api/auth/login HTTP/1.1\r\n"
HEALTH = b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n"


def sized(line, size, headers=b""):
    head = line + b"Host: a\r\n" + headers + b"Content-Length: %d\r\n\r\n" % size
    return head + b"x" * size


def chunked(line, size, headers=b""):
    head = line + b"Host: a\r\n" + headers + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"


def head_of(sock):
    data = b""
    while b"\r\n\r\n" not in data and (piece := sock.recv(65536)):
        data += piece
    return data.partition(b"\r\n\r\n")[0].decode()


@pytest.fixture
def connection(server):
    url = httpx.URL(server.url)
    with closing(socket.create_connection((url.host, url.port), timeout=30)) as sock:
        yield sock


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (sized(LOGIN, LARGE, b"Content-Type: text/plain\r\n"), 415),
        (sized(LOGIN, 2_000_000, JSON), 413),
        (chunked(LOGIN, 2_000_000, JSON), 413),
        (sized(b"PATCH /api/users/me HTTP/1.1\r\n", LARGE, JSON), 401),
        (sized(b"POST /api/nothing HTTP/1.1\r\n", LARGE), 404),
        (chunked(b"POST /api/nothing HTTP/1.1\r\n", LARGE), 404),
        (sized(b"PUT /api/auth/login HTTP/1.1\r\n", LARGE, JSON), 405),
        (sized(LOGIN, LARGE, JSON), 400),
        (chunked(LOGIN, SMALL, JSON), 400),
        (LOGIN + JSON + b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 400),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else str(value),
)
def test_response_to_a_large_body_announces_the_close(connection, sent, status):
    connection.sendall(sent)
    head = head_of(connection)

    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "Connection: close" in head


@pytest.mark.parametrize("line", [b"POST /api/nothing HTTP/1.1\r\n", LOGIN], ids=["404", "400"])
def test_kept_connection_serves_the_next_request(connection, line):
    sent = sized(line, SMALL, JSON)
    connection.sendall(sent)
    first = head_of(connection)
    connection.sendall(HEALTH)
    with connection.makefile("rb") as responses:
        second = next((line for line in responses if b"HTTP/1.1 200 OK" in line), None)

    assert "Connection: keep-alive" in first
    assert second


def test_no_request_is_lost_after_rejected_large_bodies(server):
    with httpx.Client(base_url=server.url, timeout=30) as client:
        statuses = [
            (
                client.post("/api/nothing", content=b"x" * LARGE).status_code,
                client.get("/api/health/live").status_code,
            )
            for _ in range(20)
        ]

    assert set(statuses) == {(404, 200)}
