"""Error responses of gunicorn itself; see also tests/system/test_gunicorn.py."""

import json

import pytest
from gunicorn.http.errors import (
    InvalidHeader,
    InvalidResponseHeader,
    LimitRequestLine,
    UnsupportedTransferCoding,
)

from app.server import errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidHeader("x"), 400),
        (LimitRequestLine(2, 1), 414),
        (UnsupportedTransferCoding("x"), 501),
        # A fault of the service, although its class belongs to the parser.
        (InvalidResponseHeader("x"), 500),
        (RuntimeError(), 500),
        (SystemExit(), 500),
    ],
)
def test_status_follows_from_the_class_of_the_exception(error, status):
    assert errors.status_of(error) == status


@pytest.mark.parametrize(
    ("status", "phrase", "slug"),
    [
        (400, "Bad Request", "malformed-request"),
        (500, "Internal Server Error", "internal-server-error"),
        (501, "Not Implemented", "malformed-request"),
    ],
)
def test_response_is_a_problem_document(status, phrase, slug):
    head, _, body = errors.response(status).decode().partition("\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} {phrase}\r\n")
    assert "frame-ancestors 'none'" in head
    assert f"Content-Length: {len(body)}" in head
    assert json.loads(body)["type"] == f"/api/problems/{slug}"
