"""Repeated headers: a request that two parsers could read differently changes nothing."""

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
    ("lines", "status"),
    [
        (["Host: a", "Host: a"], 400),
        (["host: a", "Host: b"], 400),
        (["Host: a", "Content-Type: text/plain", "Content-Type: application/json"], 400),
        (["Host: a", "Authorization: Bearer x", "authorization: Bearer y"], 401),
    ],
)
def test_repeated_header_is_rejected(exchange, lines, status):
    head, problem = exchange("GET", "/api/users/me", lines)

    assert head.startswith(f"HTTP/1.1 {status} ")
    assert problem["status"] == status


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
