"""A webhook ends at its deadline, whatever the receiver does."""

import socket
import time

import pytest

from services.webhook_requests import MAX_EXCERPT, RequestFailed
from tests.support.receivers import OK, raw_response, receiver, send
from tests.support.resolvers import Names


class TestDeadline:
    """A receiver that sends a byte now and then cannot hold the sender."""

    @pytest.mark.parametrize(
        ("first", "dripped"),
        [
            (b"", b"H"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            (b"HTTP/1.1 200 OK\r\n", b"A"),
            (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        ],
    )
    def test_slow_head_ends_at_the_deadline(self, first, dripped):
        started = time.monotonic()

        with (
            receiver(first, forever=dripped, every=0.05) as found,
            pytest.raises(RequestFailed, match=r"^No response within 0\.5 seconds\.$"),
        ):
            send(found.port, timeout=0.5)

        assert time.monotonic() - started < 10

    def test_silent_receiver_ends_at_the_deadline(self):
        with receiver(OK, every=30) as found, pytest.raises(RequestFailed, match="No response"):
            send(found.port, timeout=0.5)

    def test_slow_body_ends_at_the_deadline_and_the_status_counts(self):
        with receiver(raw_response("HTTP/1.1 200 OK"), forever=b"a", every=0.05) as found:
            response = send(found.port, timeout=1)

        assert response.status == 200
        assert 0 < len(response.excerpt) < MAX_EXCERPT

    def test_slow_dns_counts(self, monkeypatch):
        names = Names(monkeypatch)
        names.set("hook.example", ["127.0.0.1"])
        fast = names.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda *args, **more: (time.sleep(0.2), fast(*args, **more))[1]
        )

        with receiver(OK) as found:
            with pytest.raises(RequestFailed, match="No response"):
                send(found.port, host="hook.example", timeout=0.1)

            assert found.requests == []
