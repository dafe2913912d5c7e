"""Clients that send slowly, or nothing, and what the shipped gunicorn does for all others."""

import json
import select
import socket
import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Event
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.support.servers import served
from tools import embedded

LOGIN = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
ONE = {"GUNICORN_CMD_ARGS": "-w 1"}
NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)
# Each line is within its limit, and there is no end.
ENDLESS = b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"X-Long: " + b"x" * 8000 + b"\r\n") * 110
HEALTH = b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def short_timeouts(new_database, migrated_url):
    """A server whose deadlines are short."""
    url = new_database(make_url(migrated_url).database)
    with served(
        url, GUNICORN_CMD_ARGS="--worker-class tests.support.short_deadlines.Worker -w 1"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def single(new_database, migrated_url):
    """A server of one worker process."""
    url = new_database(make_url(migrated_url).database)
    with served(url, **ONE) as server:
        yield server


@pytest.fixture
def strict(new_database, migrated_url):
    """Run a server with a limit of two logins per minute and account, and new counters."""
    url = new_database(make_url(migrated_url).database)
    with (
        embedded.valkey() as redis_url,
        served(url, REDIS_URL=redis_url, RATE_LIMIT_LOGIN="2 per minute", **ONE) as server,
    ):
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


@contextmanager
def connections(server, count, sent=b""):
    """Open connections, and send `sent` on each."""
    url = httpx.URL(server.url)
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection((url.host, url.port), timeout=30))
            for _ in range(count)
        ]
        for each in opened:
            each.sendall(sent)
        yield opened


def received(sock, until=b""):
    """What comes, up to `until`, or to the end of the connection."""
    data = b""
    while not (until and until in data) and (piece := sock.recv(65536)):
        data += piece
    return data


def latency(server):
    """Median seconds of a health check on a new connection."""
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
    def test_while_all_of_these_wait(self, server, count, sent):
        with connections(server, count, sent) as slow:
            with httpx.Client(base_url=server.url, limits=NO_KEEPALIVE, timeout=1) as client:
                responses = [client.get("/api/health") for _ in range(10)]

            assert [response.status_code for response in responses] == [200] * 10
            # The slow connections are still open, without a response.
            assert select.select(slow, [], [], 0)[0] == []

    def test_all_at_once_on_one_process(self, single):
        """Compared with the same process before, because the machine may be busy."""
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
    def test_what_does_not_come_is_a_408_and_the_end(self, short_timeouts, sent):
        with connections(short_timeouts, 1, sent) as (slow,):
            head, _, body = received(slow).partition(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body)["status"] == 408

    def test_head_without_an_end_is_a_431(self, server):
        with connections(server, 20, ENDLESS) as endless:
            responses = [received(each) for each in endless]

        assert {response[:12] for response in responses} == {b"HTTP/1.1 431"}

    @pytest.mark.parametrize("sent", [b"", b"GET /api/health HTTP/1.1\r\nX-Half: "])
    def test_connection_without_a_whole_head_just_ends(self, short_timeouts, sent):
        with connections(short_timeouts, 1, sent) as (idle,):
            assert received(idle) == b""

    def test_slow_bodies_hold_no_transaction(self, short_timeouts, slow_changes):
        with connections(short_timeouts, 4, slow_changes) as slow:
            responses = [received(each).split(b"\r\n")[0] for each in slow]

        assert {response[:12] for response in responses} == {b"HTTP/1.1 408"}


class TestRequests:
    def test_head_in_pieces_is_put_together(self, server):
        with connections(server, 1) as (sock,):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(HEALTH), 7):
                sock.sendall(HEALTH[i : i + 7])

            assert received(sock, b"}").startswith(b"HTTP/1.1 200 OK\r\n")

    def test_two_requests_in_one_packet_get_two_responses(self, server):
        with connections(server, 1, HEALTH + HEALTH) as (sock,):
            responses = received(sock, b"}")
            if responses.count(b"HTTP/1.1 200 OK") < 2:
                responses += received(sock, b"}")

        assert responses.count(b"HTTP/1.1 200 OK") == 2

    def test_connection_serves_one_request_after_another(self, server):
        with connections(server, 1) as (sock,):
            for _ in range(3):
                sock.sendall(HEALTH)
                assert received(sock, b"}").startswith(b"HTTP/1.1 200 OK\r\n")

    def test_malformed_chunk_is_a_400_and_no_limit_forgets(self, strict):
        wrong = {"email": "unknown@example.com", "password": "wrong"}
        for _ in range(3):
            httpx.post(f"{strict.url}/api/auth/login", json=wrong)
        responses = []
        for chunk in (b"ZZ\r\n", b"-1\r\n", b"2\r\n{}XX\r\n", b"2;a\rb\r\n{}\r\n0\r\n\r\n"):
            broken = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n" + chunk
            with connections(strict, 2, broken) as pair:
                responses += [received(each, b"}")[:12] for each in pair]

        assert set(responses[:2]) == {b"HTTP/1.1 400"}
        assert set(responses) == {b"HTTP/1.1 400", b"HTTP/1.1 429"}
        assert httpx.post(f"{strict.url}/api/auth/login", json=wrong).status_code == 429

    @pytest.mark.parametrize("chunk", [b"ZZ\r\n", b"-1\r\n", b"2\r\n{}XX\r\n", b"2;a\rb\r\n{}\r\n"])
    def test_malformed_chunk_of_any_kind_is_a_400(self, server, chunk):
        broken = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n" + chunk
        with connections(server, 1, broken) as (sock,):
            assert received(sock, b"}").startswith(b"HTTP/1.1 400 ")

    def test_chunked_body_is_read(self, server):
        chunked = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
        with connections(server, 1, chunked) as (sock,):
            assert received(sock, b"}]}").startswith(b"HTTP/1.1 422 ")

    def test_response_names_no_version_of_the_server(self, server):
        assert httpx.get(f"{server.url}/api/health").headers["Server"] == "gunicorn"


class TestFastClients:
    """A client that always has data ready does not keep the event loop to itself."""

    @pytest.mark.parametrize(
        ("head", "piece"),
        [
            (
                b"POST /api/nope HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
                b"x" * 65536,
            ),
            (b"", b"GET /api/health/live HTTP/1.1\r\nHost: a\r\n\r\n" * 100),
        ],
        ids=["unread body", "pipeline"],
    )
    def test_others_are_served_before_it_ends(self, single, head, piece):
        stop = Event()

        def flood():
            """Send 100 MB at most, as fast as the server takes it."""
            with connections(single, 1, head) as (flooding,), suppress(OSError):
                flooding.settimeout(1)
                for _ in range(100_000_000 // len(piece)):
                    if stop.is_set():
                        return True
                    flooding.sendall(piece)
            return False  # the server has closed the connection, or does not read on

        with ThreadPoolExecutor(1) as threads:
            flooding = threads.submit(flood)
            # Held up, a request would take as long as the flood, or the worker's heartbeat: 30 s.
            responses = [httpx.get(f"{single.url}/api/health/live", timeout=20) for _ in range(5)]
            stop.set()
            flooding.result()

        assert {response.status_code for response in responses} == {200}
