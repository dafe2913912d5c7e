"""Requests on the socket: pieces, pipelines, chunks and malformed chunks."""

import socket

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.support.servers import served
from tests.support.sockets import HEALTH, LOGIN, connections, received
from tools import embedded


@pytest.fixture
def strict(new_database, migrated_url):
    """Run a server with a limit of two logins per minute and account, and new counters."""
    url = new_database(make_url(migrated_url).database)
    with (
        embedded.valkey() as redis_url,
        served(
            url, REDIS_URL=redis_url, RATE_LIMIT_LOGIN="2 per minute", GUNICORN_CMD_ARGS="-w 1"
        ) as server,
    ):
        yield server


class TestRequests:
    def test_head_in_several_packets(self, server):
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

    def test_malformed_chunks_do_not_reset_a_rate_limit(self, strict):
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
    def test_malformed_chunk_of_any_kind_returns_400(self, server, chunk):
        broken = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n" + chunk
        with connections(server, 1, broken) as (sock,):
            assert received(sock, b"}").startswith(b"HTTP/1.1 400 ")

    def test_chunked_body_is_read(self, server):
        chunked = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
        with connections(server, 1, chunked) as (sock,):
            assert received(sock, b"}]}").startswith(b"HTTP/1.1 422 ")

    def test_server_header_has_no_version(self, server):
        assert httpx.get(f"{server.url}/api/health").headers["Server"] == "gunicorn"
