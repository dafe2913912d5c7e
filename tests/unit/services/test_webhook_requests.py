"""One request of a webhook: what is sent, what is read, and when it ends."""

import gzip
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.webhook_addresses import AddressRules
from services.webhook_requests import (
    MAX_ADDRESSES,
    MAX_EXCERPT,
    MAX_RETRY_AFTER,
    RequestFailed,
    post,
)
from tests.support.receivers import BODY, OK, raw_response, receiver, send
from tests.support.resolvers import Names


class TestRequest:
    def test_receiver_gets_path_headers_and_body(self):
        with receiver(OK) as found:
            response = send(found.port, "/a/b?c=d", headers={"webhook-id": "msg_1"})

        (request,) = found.requests
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ") for line in lines)
        assert (response.status, response.excerpt) == (200, "ok")
        assert response.latency_ms >= 0
        assert (first, body) == ("POST /a/b?c=d HTTP/1.1", BODY)
        assert headers["host"] == f"127.0.0.1:{found.port}"
        assert headers["webhook-id"] == "msg_1"
        assert headers["content-type"] == "application/json"
        assert headers["accept-encoding"] == "identity"
        assert "webhooks" in headers["user-agent"]

    @pytest.mark.parametrize(("path", "sent"), [("", b"/ "), ("?a=b", b"/?a=b ")])
    def test_empty_path_is_sent_as_a_slash(self, path, sent):
        with receiver(OK) as found:
            send(found.port, path)

        assert found.requests[0].startswith(b"POST " + sent)

    def test_proxy_of_the_environment_is_not_used(self, monkeypatch):
        with receiver(OK) as proxy, receiver(OK) as found:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            send(found.port)

        assert (len(found.requests), proxy.requests) == (1, [])

    def test_next_address_is_tried_if_one_refuses_the_connection(self, monkeypatch):
        Names(monkeypatch).set("hook.example", ["127.0.0.2", "127.0.0.1"])

        with receiver(OK) as found:
            response = send(found.port, host="hook.example")

        assert (response.status, len(found.requests)) == (200, 1)
        assert f"Host: hook.example:{found.port}".encode() in found.requests[0]

    def test_number_of_tried_addresses_is_limited(self, monkeypatch):
        refusing = [f"127.0.1.{n}" for n in range(MAX_ADDRESSES)]
        Names(monkeypatch).set("hook.example", [*refusing, "127.0.0.1"])

        with receiver(OK) as found, pytest.raises(RequestFailed, match="refused"):
            send(found.port, host="hook.example")

        assert found.requests == []

    def test_request_is_sent_once_if_there_is_no_response(self, monkeypatch):
        Names(monkeypatch).set("hook.example", ["127.0.0.1", "127.0.0.1"])

        with receiver() as found, pytest.raises(RequestFailed, match="closed connection"):
            send(found.port, host="hook.example")

        assert len(found.requests) == 1


class TestResponse:
    @pytest.mark.parametrize("status", [200, 204, 301, 400, 410, 429, 500, 503])
    def test_every_status_is_a_response(self, status):
        with receiver(raw_response(f"HTTP/1.1 {status} Text", "Content-Length: 0")) as found:
            assert send(found.port).status == status

    @pytest.mark.parametrize(
        "head", [["Content-Length: 100000"], [], ["Transfer-Encoding: chunked"]]
    )
    def test_excerpt_is_the_start_of_a_long_body(self, head):
        body = b"a" * 100_000
        if "Transfer-Encoding: chunked" in head:
            body = b"186a0\r\n" + body
        with receiver(raw_response("HTTP/1.1 200 OK", *head, body=body)) as found:
            assert send(found.port).excerpt == "a" * MAX_EXCERPT

    def test_endless_body_ends_after_the_excerpt(self):
        head = raw_response("HTTP/1.1 200 OK")
        with receiver(head, forever=b"a" * 65536) as found:
            assert send(found.port, timeout=60).latency_ms < 60_000

    def test_compressed_body_is_not_decompressed(self):
        body = gzip.compress(b"a" * 10_000_000)
        head = raw_response(
            "HTTP/1.1 200 OK", "Content-Encoding: gzip", f"Content-Length: {len(body)}"
        )
        with receiver(head, body) as found:
            excerpt = send(found.port).excerpt

        assert "aaa" not in excerpt
        assert len(excerpt) <= MAX_EXCERPT

    def test_excerpt_can_be_stored(self):
        with receiver(raw_response("HTTP/1.1 200 OK", body=b"a\0\xff\xc3\xa4")) as found:
            assert send(found.port).excerpt == "a\ufffdä"

    @pytest.mark.parametrize(
        "rest",
        [["Content-Length: 9", "", "ab"], ["Transfer-Encoding: chunked", "", "2", "ab", "zz"]],
    )
    def test_status_counts_if_the_body_is_malformed(self, rest):
        with receiver("\r\n".join(["HTTP/1.1 202 Accepted", *rest]).encode()) as found:
            response = send(found.port)

        assert (response.status, response.excerpt) == (202, "ab")

    def test_invalid_headers_are_not_logged(self, logged):
        head = raw_response("HTTP/1.1 200 OK", "Content-Length: 0", "invalid " * 1000)
        with receiver(head) as found:
            assert send(found.port).status == 200

        assert logged == []


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("17", 17),
            ("0", 0),
            ("999999999", MAX_RETRY_AFTER),
            ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("-1", None),
            ("soon", None),
            ("", None),
            ("9" * 5000, None),
        ],
    )
    def test_value_is_read_and_limited(self, value, seconds):
        head = raw_response("HTTP/1.1 503 No", f"Retry-After: {value}", "Content-Length: 0")
        with receiver(head) as found:
            assert send(found.port).retry_after == seconds

    def test_date_is_converted_to_seconds(self):
        later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        head = raw_response("HTTP/1.1 503 No", f"Retry-After: {later}", "Content-Length: 0")
        with receiver(head) as found:
            assert 3500 < send(found.port).retry_after <= 3600

    def test_missing_header_is_none(self):
        with receiver(OK) as found:
            assert send(found.port).retry_after is None


class TestFailures:
    def test_refused_connection(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]

        with pytest.raises(RequestFailed, match="refused"):
            send(port)

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70_000, "more than 65536 bytes"),
            (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, "more than 100 headers"),
            (b"HTTP/1.1 abc\r\n\r\n", "abc"),
            (b"a\0b\r\n\r\n", "ab"),
            (b"a" * 60_000 + b"\r\n\r\n", "^a{200}$"),
        ],
    )
    def test_response_that_is_not_http(self, sent, reason):
        with receiver(sent) as found, pytest.raises(RequestFailed, match=reason):
            send(found.port)

    def test_url_that_is_not_allowed(self):
        rules = AddressRules(True, frozenset({443}))

        with pytest.raises(RequestFailed, match="Must start with https"):
            post("http://hook.example/", {}, BODY, rules)
