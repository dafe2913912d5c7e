"""Clients that send slowly, or nothing, and what the shipped gunicorn does for all others."""

import json
import select
import socket
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.servers import served

LOGIN = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
HEALTH = b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def impatient(new_database, migrated_url):
    """A server whose deadlines are short."""
    url = new_database(make_url(migrated_url).database)
    with served(url, GUNICORN_CMD_ARGS="--worker-class tests.impatient.Worker") as server:
        yield server


@contextmanager
def connections(server, count, sent=b""):
    """So many connections on which `sent` was sent."""
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


class TestOthersAreServed:
    @pytest.mark.parametrize(
        ("count", "sent"),
        [
            pytest.param(40, b"", id="40 idle connections"),
            pytest.param(40, b"GET /api/health HTTP/1.1\r\nX-Half: ", id="40 half-sent headers"),
            pytest.param(4, LOGIN + b"Content-Length: 99\r\n\r\n{", id="4 slow bodies"),
        ],
    )
    def test_while_all_of_these_wait(self, server, count, sent):
        with connections(server, count, sent) as slow:
            answers = [httpx.get(f"{server.url}/api/health", timeout=5) for _ in range(10)]

            assert [answer.status_code for answer in answers] == [200] * 10
            # All of them were still being waited for: no answer, no end.
            assert select.select(slow, [], [], 0)[0] == []


class TestDeadlines:
    def test_body_that_does_not_come_is_a_408_and_the_end(self, impatient):
        with connections(impatient, 1, LOGIN + b"Content-Length: 99\r\n\r\n{") as (slow,):
            head, _, body = received(slow).partition(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body)["type"] == "/api/problems/body-timeout"

    @pytest.mark.parametrize("sent", [b"", b"GET /api/health HTTP/1.1\r\nX-Half: "])
    def test_head_that_does_not_come_is_the_end(self, impatient, sent):
        with connections(impatient, 1, sent) as (slow,):
            assert received(slow) == b""


class TestRequests:
    def test_head_in_pieces_is_put_together(self, server):
        with connections(server, 1) as (sock,):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(HEALTH), 7):
                sock.sendall(HEALTH[i : i + 7])

            assert received(sock, b"}").startswith(b"HTTP/1.1 200 OK\r\n")

    def test_two_requests_in_one_packet_get_two_answers(self, server):
        with connections(server, 1, HEALTH + HEALTH) as (sock,):
            answers = received(sock, b"}")
            if answers.count(b"HTTP/1.1 200 OK") < 2:
                answers += received(sock, b"}")

        assert answers.count(b"HTTP/1.1 200 OK") == 2

    def test_connection_serves_one_request_after_another(self, server):
        with connections(server, 1) as (sock,):
            for _ in range(3):
                sock.sendall(HEALTH)
                assert received(sock, b"}").startswith(b"HTTP/1.1 200 OK\r\n")

    def test_chunked_body_is_read(self, server):
        chunked = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
        with connections(server, 1, chunked) as (sock,):
            assert received(sock, b"}]}").startswith(b"HTTP/1.1 422 ")

    def test_answer_names_no_server(self, server):
        assert "Server" not in httpx.get(f"{server.url}/api/health").headers
