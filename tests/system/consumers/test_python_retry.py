"""Retries of the Python client: which requests, when and for how long, without a service."""

import time
from email.utils import formatdate

import httpx
import pytest

pytestmark = pytest.mark.clients
pytest.importorskip("flask_api_client.generated", reason="`make clients` has not been run")

from flask_api_client import retry

KEY = {"Idempotency-Key": "one"}
LOST = httpx.ReadError("lost")
LONG_AGO = "Fri, 31 Dec 1999 23:59:59 GMT"
CUT = "a response without its end"
DRIPPING = "a response that takes hours"


class Cut(httpx.SyncByteStream):
    """Body of a response whose connection is lost half way."""

    def __iter__(self):
        yield b'{"items": ['
        raise httpx.RemoteProtocolError("cut")


class Dripping(httpx.SyncByteStream):
    """Body that sends a byte every two seconds, for hours."""

    def __iter__(self):
        for _ in range(10_000):
            retry.time.sleep(2)
            yield b" "


BODIES = {CUT: Cut, DRIPPING: Dripping}


@pytest.fixture
def waits(monkeypatch):
    """Collect the simulated pauses, in seconds."""
    clock, waits = [0.0], []

    def sleep(seconds):
        waits.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(retry.time, "sleep", sleep)
    monkeypatch.setattr(retry.time, "monotonic", lambda: clock[0])
    return waits


def ask(method, responses, headers=None):
    """Send a request to a service that returns these responses, then 200; return the status."""
    coming = iter(responses)

    def response(request):
        what = next(coming, (200, {}))
        if isinstance(what, Exception):
            raise what
        if isinstance(what, str):
            return httpx.Response(200, stream=BODIES[what]())
        return httpx.Response(what[0], headers=what[1])

    transport = retry.RetryTransport(httpx.MockTransport(response))
    with httpx.Client(transport=transport) as client:
        return client.request(method, "http://service/", headers=headers).status_code


class TestRetried:
    @pytest.mark.parametrize("status", [409, 429, 502, 503, 504])
    def test_request_with_a_key_is_retried_after_retry_after(self, waits, status):
        assert ask("POST", [(status, {"Retry-After": "7"})] * 2, KEY) == 200
        assert waits == [7, 7]

    def test_safe_request_is_retried_with_growing_pauses_after_a_lost_response(self, waits):
        assert ask("GET", [LOST] * 4) == 200
        assert [0.125 <= waits[0] <= 0.25, 1 <= waits[3] <= 2] == [True, True]

    @pytest.mark.parametrize(("method", "headers"), [("GET", None), ("POST", KEY)])
    def test_safe_request_is_retried_after_an_incomplete_response(self, waits, method, headers):
        assert ask(method, [CUT, CUT], headers) == 200
        assert len(waits) == 2

    def test_default_pause_is_used_for_retry_after_zero(self, waits):
        assert ask("GET", [(503, {"Retry-After": "0"})] * 4) == 200
        assert [0.125 <= waits[0] <= 0.25, 1 <= waits[3] <= 2] == [True, True]

    def test_any_request_is_retried_after_a_429(self, waits):
        assert ask("POST", [(429, {"Retry-After": "1"})]) == 200
        assert waits == [1]

    @pytest.mark.parametrize("after", ["²", "\u0667", "-7", "1e9", "soon", "7;8", "nan", LONG_AGO])
    def test_default_pause_is_used_for_an_invalid_retry_after(self, waits, after):
        headers = {"Retry-After": after.encode()}
        assert ask("GET", [(503, headers)] * 4) == 200
        assert [0.125 <= waits[0] <= 0.25, 1 <= waits[3] <= 2] == [True, True]

    def test_request_is_retried_after_the_date_in_retry_after(self, waits):
        date = formatdate(time.time() + 20, usegmt=True)
        assert ask("GET", [(503, {"Retry-After": date})]) == 200
        assert 15 < waits[0] <= 20


class TestNotRetried:
    def test_request_without_a_key_after_a_lost_response(self, waits):
        with pytest.raises(httpx.ReadError):
            ask("POST", [LOST])
        with pytest.raises(httpx.RemoteProtocolError):
            ask("POST", [CUT])
        assert waits == []

    @pytest.mark.parametrize("mistake", [httpx.UnsupportedProtocol, httpx.LocalProtocolError])
    def test_client_errors(self, waits, mistake):
        with pytest.raises(mistake):
            ask("GET", [mistake("always")])
        assert waits == []

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_request_without_a_key_when_the_service_is_unavailable(self, waits, status):
        assert ask("POST", [(status, {"Retry-After": "1"})]) == status

    @pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500])
    def test_server_errors(self, waits, status):
        assert ask("POST", [(status, {})], KEY) == status

    @pytest.mark.parametrize("after", ["31", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_retry_after_longer_than_the_maximum(self, waits, after):
        assert ask("GET", [(429, {"Retry-After": after})]) == 429
        assert waits == []

    def test_maximum_duration_is_reached(self, waits):
        with pytest.raises(httpx.ReadError):
            ask("GET", [LOST] * 1000)
        assert 20 < sum(waits) <= 30

    def test_response_that_never_ends(self, waits):
        with pytest.raises(httpx.ReadTimeout):
            ask("GET", [DRIPPING] * 100)
        assert sum(waits) < 70
