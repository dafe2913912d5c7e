"""The service under gunicorn's gthread worker, for operators who have a proxy that buffers."""

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


def test_threads_are_not_greenlets(server):
    (worker,) = psutil.Process(server.process.pid).children()

    assert worker.num_threads() > 1
