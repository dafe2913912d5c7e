"""Slow and idle clients: other clients are served, and deadlines end their connections."""

import json
import select
import statistics
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.support.servers import served
from tests.support.sockets import LOGIN, connections, received

NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)
# Each line is within its limit, but the head does not end.
ENDLESS = b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"X-Long: " + b"x" * 8000 + b"\r\n") * 110


@pytest.fixture(scope="module")
def short_timeouts(new_database, migrated_url):
    """Run a server with short deadlines."""
    url = new_database(make_url(migrated_url).database)
    with served(
        url, GUNICORN_CMD_ARGS="--worker-class tests.support.short_deadlines.Worker -w 1"
    ) as server:
        yield server


@pytest.fixture
def slow_changes(short_timeouts):
    """Return an authorized PATCH request with only the beginning of its large body."""
    account = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
    httpx.post(f"{short_timeouts.url}/api/auth/register", json=account)
    tokens = httpx.post(f"{short_timeouts.url}/api/auth/login", json=account).json()
    return (
        b"PATCH /api/users/me HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + tokens["access_token"].encode() + b"\r\n"
        b"Content-Length: 99999\r\n\r\n{"
    )


def latency(server):
    """Return the median seconds of a health check on a new connection."""
    with httpx.Client(base_url=server.url, limits=NO_KEEPALIVE, timeout=10) as client:
        responses = [client.get("/api/health") for _ in range(50)]
    assert {response.status_code for response in responses} == {200}
    return statistics.median(response.elapsed.total_seconds() for response in responses)


class TestOthersAreServed:
    @pytest.mark.parametrize(
        ("count", "sent"),
        [
            pytest.param(40, b"", id="40 idle connections"),
            pytest.param(40, b"GET /api/health HTTP/1.1\r\nX-Half: ", id="40 half-sent headers"),
            pytest.param(40, LOGIN + b"Content-Length: 99\r\n\r\n{", id="40 slow bodies"),
            pytest.param(4, LOGIN + b"Content-Length: 99999\r\n\r\n{", id="4 large slow bodies"),
        ],
    )
    def test_others_are_served_while_slow_clients_wait(self, server, count, sent):
        with connections(server, count, sent) as slow:
            with httpx.Client(base_url=server.url, limits=NO_KEEPALIVE, timeout=1) as client:
                responses = [client.get("/api/health") for _ in range(10)]

            assert [response.status_code for response in responses] == [200] * 10
            # The slow connections are still open, without a response.
            assert select.select(slow, [], [], 0)[0] == []

    def test_others_are_served_with_all_kinds_of_slow_clients(self, single):
        """Compare the latency with that of the same process before: the machine may be busy."""
        server = single
        quiet = latency(server)
        with (
            connections(server, 40) as idle,
            connections(server, 40, b"GET /api/health HTTP/1.1\r\nX-Half: ") as heads,
            connections(server, 40, LOGIN + b"Content-Length: 99999\r\n\r\n{") as bodies,
        ):
            slow = latency(server)
            assert select.select([*idle, *heads, *bodies], [], [], 0)[0] == []

        print(f"health: {quiet * 1000:.1f} ms, with 120 slow clients {slow * 1000:.1f} ms")
        assert slow < max(5 * quiet, 0.1)


class TestDeadlines:
    @pytest.mark.parametrize(
        "sent",
        [
            pytest.param(LOGIN + b"Content-Length: 99\r\n\r\n{", id="body"),
            pytest.param(LOGIN + b"Content-Length: 99999\r\n\r\n{", id="large body"),
            pytest.param(LOGIN + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{", id="chunk"),
        ],
    )
    def test_incomplete_body_returns_408(self, short_timeouts, sent):
        with connections(short_timeouts, 1, sent) as (slow,):
            head, _, body = received(slow).partition(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body)["status"] == 408

    def test_endless_head_returns_431(self, server):
        with connections(server, 20, ENDLESS) as endless:
            responses = [received(each) for each in endless]

        assert {response[:12] for response in responses} == {b"HTTP/1.1 431"}

    @pytest.mark.parametrize("sent", [b"", b"GET /api/health HTTP/1.1\r\nX-Half: "])
    def test_connection_with_an_incomplete_head_is_closed(self, short_timeouts, sent):
        with connections(short_timeouts, 1, sent) as (idle,):
            assert received(idle) == b""

    def test_slow_bodies_hold_no_transaction(self, short_timeouts, slow_changes):
        with connections(short_timeouts, 4, slow_changes) as slow:
            responses = [received(each).split(b"\r\n")[0] for each in slow]

        assert {response[:12] for response in responses} == {b"HTTP/1.1 408"}
