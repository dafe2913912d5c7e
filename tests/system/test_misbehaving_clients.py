"""Clients that do not read, do not close, or send more than one request."""

import socket
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import pytest
from sqlalchemy.engine import make_url

from tests.support.servers import served
from tests.support.waiting import wait_for

NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)
HEALTH = b"GET /api/health HTTP/1.1\r\nHost: a\r\n"
LARGE = b"GET /api/static/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n"


def single(new_database, migrated_url, worker, stderr=None):
    url = new_database(make_url(migrated_url).database)
    return served(url, stderr, GUNICORN_CMD_ARGS=f"--worker-class {worker} -w 1")


@pytest.fixture(scope="module")
def server(new_database, migrated_url):
    """Run one worker."""
    with single(new_database, migrated_url, "app.server.worker.Worker") as server:
        yield server


@pytest.fixture(scope="module")
def short_timeouts(new_database, migrated_url):
    """Run one worker with short timeouts."""
    with single(new_database, migrated_url, "tests.support.short_deadlines.Worker") as server:
        yield server


@pytest.fixture(scope="module")
def breaking_off(new_database, migrated_url):
    """Run one worker with a response that breaks off."""
    with single(new_database, migrated_url, "tests.support.broken_response.Worker") as server:
        yield server


@contextmanager
def connections(server, count, sent):
    """Open connections, send `sent` on each, and read nothing."""
    url = httpx.URL(server.url)
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in opened:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            each.settimeout(10)
            each.connect((url.host, url.port))
            each.sendall(sent)
        yield opened


def statuses(server, times, timeout):
    with httpx.Client(base_url=server.url, limits=NO_KEEPALIVE, timeout=timeout) as client:
        return [client.get("/api/health/live").status_code for _ in range(times)]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"nonsense\r\n\r\n", id="refused"),
        pytest.param(HEALTH + b"Connection: close\r\n\r\n", id="closed"),
        pytest.param(b"GET /api/health HTTP/1.0\r\nHost: a\r\n\r\n", id="closed as of HTTP/1.0"),
        pytest.param(HEALTH + b"\r\n" + HEALTH + b"X-Half: ", id="half of a second request"),
    ],
)
def test_clients_that_do_not_close_do_not_delay_others(server, sent):
    with connections(server, 20, sent):
        assert statuses(server, 10, timeout=1) == [200] * 10


def test_clients_that_do_not_read_do_not_delay_others(short_timeouts):
    with connections(short_timeouts, 8, LARGE * 4):
        assert statuses(short_timeouts, 3, timeout=20) == [200] * 3


def test_clients_that_do_not_read_are_not_logged_as_errors(new_database, migrated_url, tmp_path):
    with (tmp_path / "log").open("w+") as log:
        with single(
            new_database, migrated_url, "tests.support.short_deadlines.Worker", log
        ) as server:
            (worker,) = psutil.Process(server.process.pid).children()
            with connections(server, 3, LARGE * 4) as opened:
                clients = {each.getsockname() for each in opened}
                wait_for(lambda: not clients & {each.raddr for each in worker.net_connections()})
        log.seek(0)

        assert "ERROR" not in log.read()


def test_last_response_of_a_connection_is_complete(server):
    with connections(server, 1, LARGE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as (
        sock,
    ):
        response = b""
        while piece := sock.recv(65536):
            response += piece

    head, _, body = response.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_pipelined_request_can_arrive_in_parts(server):
    with connections(server, 1, HEALTH + b"\r\n" + HEALTH) as (sock,):
        responses = b""
        while b"}" not in responses:
            responses += sock.recv(65536)
        sock.sendall(b"Connection: close\r\n\r\n")
        while piece := sock.recv(65536):
            responses += piece

    assert responses.count(b"HTTP/1.1 200 OK") == 2


def test_client_that_half_closes_gets_its_responses(server):
    with connections(server, 1, HEALTH + b"\r\n" + HEALTH + b"\r\n") as (sock,):
        sock.shutdown(socket.SHUT_WR)
        responses = b""
        while piece := sock.recv(65536):
            responses += piece

    assert responses.count(b"HTTP/1.1 200 OK") == 2


def test_failing_response_is_sent_up_to_the_error(breaking_off):
    with connections(breaking_off, 1, b"GET /breaking-off HTTP/1.1\r\nHost: a\r\n\r\n") as (sock,):
        response = b""
        while piece := sock.recv(65536):
            response += piece

    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert response.endswith(b"\r\n\r\nthe beginning")
