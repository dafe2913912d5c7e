"""The service under gunicorn's gthread worker, for operators who have a proxy that buffers."""

import socket
from contextlib import closing
from uuid import uuid4

import httpx
import psutil
import pytest
from sqlalchemy.engine import make_url

from tests.support.factories import PASSWORD
from tests.support.servers import served
from tools.embedded import free_port

METRICS_PORT = str(free_port())


@pytest.fixture(scope="module")
def server(new_database, migrated_url):
    url = new_database(make_url(migrated_url).database)
    options = {"GUNICORN_CMD_ARGS": "-k gthread --threads 4 -w 1", "METRICS_PORT": METRICS_PORT}
    with served(url, **options) as server:
        yield server


def test_requests_are_served(server):
    account = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    assert httpx.post(f"{server.url}/api/auth/register", json=account).status_code == 201
    with server.signed_in(**account) as client:
        assert client.get("/api/users/me").json()["email"] == account["email"]
        assert len(client.get("/api/auth/sessions").json()["items"]) == 1
    wrong = httpx.post(f"{server.url}/api/auth/login", json=account | {"password": "wrong"})
    assert wrong.status_code == 401


def test_metrics_are_served(server):
    assert "http_requests_total" in httpx.get(f"http://127.0.0.1:{METRICS_PORT}/metrics").text


def test_response_before_a_large_body_is_read_announces_the_close(server):
    body = b"Host: a\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    url = httpx.URL(server.url)

    with closing(socket.create_connection((url.host, url.port), timeout=30)) as connection:
        connection.sendall(b"POST /api/nothing HTTP/1.1\r\n" + body)
        with connection.makefile("rb") as response:
            head = list(iter(response.readline, b"\r\n"))

    assert head[0].startswith(b"HTTP/1.1 404 ")
    assert b"Connection: close\r\n" in head


def test_threads_are_not_greenlets(server):
    (worker,) = psutil.Process(server.process.pid).children()

    assert worker.num_threads() > 1
