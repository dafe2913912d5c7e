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


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (InvalidHeader("X-REQUEST-ID"), "X-Request-Id"),
        (InvalidHeader("no colon: <script>"), None),
        (LimitRequestLine(2, 1), None),
    ],
)
def test_detail_names_a_header_and_never_a_whole_line(error, named):
    detail = errors.detail_of(error)

    assert (named in detail) if named else (detail is None)
    assert (detail or "") in errors.response(400, detail).decode()
