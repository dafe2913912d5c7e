"""A repeated header that allows one value is a 400, and the request changes nothing."""

import json
import socket
from uuid import uuid4

import httpx
import pytest

from tests.support.factories import PASSWORD


@pytest.fixture
def exchange(server):
    """Sends a request with lists of headers, and returns the head and the body of the response."""

    def send(method, path, headers, body=b""):
        url = httpx.URL(server.url)
        lines = [f"{method} {path} HTTP/1.1", *headers, "Connection: close"]
        lines += [f"Content-Length: {len(body)}"] if body else []
        with socket.create_connection((url.host, url.port), timeout=30) as sock:
            sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            response = b"".join(iter(lambda: sock.recv(65_536), b""))
        head, _, content = response.partition(b"\r\n\r\n")
        return head.decode(), json.loads(content)

    return send


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: a", "Host: a"],
        ["Host: a", "host: b"],
        ["Idempotency-Key: k", "Idempotency-Key: k"],
        ['Idempotency-Key: "k"', "Idempotency-Key: k"],
        ["Authorization: Bearer x", "authorization: Bearer x"],
        ["Authorization: Bearer fak_x", "Authorization: Bearer fak_y"],
        ["Content-Type: application/json", "Content-Type: application/json"],
        ["Content-Type: text/plain", "Content-Type: application/json"],
        ["Origin: https://a.example", "Origin: https://b.example"],
        ["Range: bytes=0-1", "Range: bytes=2-3"],
        ["If-Modified-Since: x", "If-Modified-Since: x"],
        ["Access-Control-Request-Method: GET", "Access-Control-Request-Method: PUT"],
    ],
    ids=", ".join,
)
def test_repeated_header_returns_400_with_its_name(exchange, lines):
    host = [] if lines[0].startswith("Host") else ["Host: a"]
    head, problem = exchange("GET", "/api/health", [*host, *lines])

    assert head.startswith("HTTP/1.1 400 ")
    assert problem["type"] == "/api/problems/malformed-request"
    assert lines[0].partition(":")[0].lower() in problem["detail"].lower()


def test_rejected_request_changes_nothing(exchange, server):
    account = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    headers = ["Host: a", *["Content-Type: application/json"] * 2]
    exchange("POST", "/api/auth/register", headers, json.dumps(account).encode())

    assert httpx.post(f"{server.url}/api/auth/login", json=account).status_code == 401


@pytest.mark.parametrize(
    "lines",
    [
        ["Accept: text/html", "Accept: application/json"],
        ['If-None-Match: "1"', 'If-None-Match: "2"'],
        ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.10"],
        ["Cookie: a=1", "Cookie: b=2"],
        ["X-Of-Its-Own: a", "X-Of-Its-Own: b"],
    ],
    ids=", ".join,
)
def test_list_header_can_be_repeated(exchange, lines):
    head, _ = exchange("GET", "/api/health", ["Host: a", *lines])

    assert head.startswith("HTTP/1.1 200 ")
