"""What gunicorn says in its own name; tests/system/test_gunicorn.py has it said by a real one."""

import json
import socket

import pytest
from gunicorn import util
from gunicorn.http import wsgi

from app import refusals


@pytest.fixture
def installed(monkeypatch):
    for name in ("write_error", "close_graceful"):
        monkeypatch.setattr(util, name, getattr(util, name))
    monkeypatch.setattr(
        wsgi.Response, "default_headers", lambda _: ["Server: x\r\n", "Date: y\r\n"]
    )
    refusals.install()


@pytest.mark.parametrize(
    ("status", "phrase", "slug"),
    [
        (400, "Bad Request", "malformed-request"),
        (408, "Request Timeout", "request-timeout"),
        (500, "Internal Server Error", "internal-server-error"),
        (501, "Not Implemented", "malformed-request"),
        (503, "Service Unavailable", "unavailable"),
    ],
)
def test_refusal_is_a_problem_document(installed, status, phrase, slug):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        util.write_error(ours, status, "a reason", "a message")
        ours.close()
        head, _, body = theirs.recv(65_536).decode().partition("\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} {phrase}\r\n")
    assert ("Retry-After: 2" in head) == (status == 503)
    assert "frame-ancestors 'none'" in head
    assert json.loads(body)["type"] == f"/api/problems/{slug}"


def test_answers_do_not_name_the_server(installed):
    assert wsgi.Response.default_headers(None) == ["Date: y\r\n"]
