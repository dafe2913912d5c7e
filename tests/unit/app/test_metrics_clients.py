"""What clients of the metrics can do to gunicorn's master, and what they can't."""

import socket
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from app.observability import metrics_server
from app.observability.metrics_server import MetricsServer
from tests.support.waiting import wait_for

REQUEST = b"GET /metrics HTTP/1.0\r\n\r\n"


@pytest.fixture
def metrics(tmp_path):
    cfg = SimpleNamespace(address=[("127.0.0.1", 1)], worker_tmp_dir=str(tmp_path))
    with MetricsServer(0, cfg) as server:
        server.start()
        yield server
        server.shutdown()


@pytest.fixture
def connect(metrics):
    with ExitStack() as stack:

        def connect():
            connection = socket.create_connection(metrics.server_address, timeout=30)
            return stack.enter_context(connection)

        yield connect


def is_over(connection):
    """Whether the server has ended the connection, after one more byte of a request."""
    try:
        connection.send(b"x")
        connection.setblocking(False)
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_connections_beyond_a_few_are_closed_and_the_others_are_answered(connect):
    first = [connect() for _ in range(metrics_server.CLIENTS)]

    assert connect().recv(1) == b""
    for connection in first:
        connection.sendall(REQUEST)
        assert connection.recv(12) == b"HTTP/1.0 200"


def test_connection_that_is_over_makes_room_for_another(connect, metrics):
    for _ in range(3 * metrics_server.CLIENTS):
        connection = connect()
        connection.sendall(REQUEST)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.0 200")
        wait_for(lambda: not metrics.deadlines)


def test_request_that_comes_byte_by_byte_is_given_up_quietly(connect, metrics, logged, monkeypatch):
    monkeypatch.setattr(metrics_server, "CLIENT_SECONDS", 0.5)
    connection = connect()

    wait_for(lambda: is_over(connection), 10)
    wait_for(lambda: not metrics.deadlines)
    assert not logged
