"""API keys against two worker processes: revocation under load, and no copy of the key."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Text, cast, create_engine, literal_column, select
from sqlalchemy.engine import make_url

from models.base import Base
from services.key_format import digest, new_key
from tests.support.collectors import collecting
from tests.support.factories import PASSWORD
from tests.support.servers import served
from tests.support.waiting import wait_for
from tools.embedded import free_port

NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)
URL, ME = "/api/api-keys", "/api/users/me"


@contextmanager
def owner(server):
    """Yield a client that is signed in to a new account."""
    account = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    httpx.post(f"{server.url}/api/auth/register", json=account)
    with server.signed_in(**account) as client:
        yield client


def created(client):
    return client.post(URL, json={"name": "test", "scopes": ["profile"]}).json()


def test_no_request_that_begins_after_a_revocation_succeeds(server):
    responses, some = [], threading.Event()

    def send(_):
        began = time.monotonic()
        responses.append((began, client.get(ME).status_code))
        if len(responses) == 30:
            some.set()

    with owner(server) as signed_in, ThreadPoolExecutor(20) as threads:
        key = created(signed_in)
        headers = {"Authorization": f"Bearer {key['key']}"}
        # A new connection for each request, so that every worker gets some.
        client = httpx.Client(base_url=server.url, headers=headers, limits=NO_KEEPALIVE, timeout=30)
        before = threads.map(send, range(80))
        assert some.wait(60)
        assert signed_in.delete(f"{URL}/{key['id']}").status_code == 204
        revoked = time.monotonic()
        list(before)
        list(threads.map(send, range(20)))
        client.close()

    assert len(responses) == 100
    after = [status for began, status in responses if began > revoked]
    assert len(after) >= 20
    assert set(after) == {401}
    assert [status for _, status in responses].count(200) >= 30


class TestNoCopy:
    """After a key was sent, also in wrong places, only its digest and its id are stored."""

    @pytest.fixture
    def observed(self, new_database, migrated_url, tmp_path):
        """Yield a server, and a function that returns its log, metrics, traces and tables."""
        url = new_database(make_url(migrated_url).database)
        port, log = free_port(), tmp_path / "log"
        with collecting() as collector, log.open("w") as stderr:
            settings = {
                "LOG_LEVEL": "DEBUG",
                "METRICS_PORT": str(port),
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_BSP_SCHEDULE_DELAY": "50",
            }

            def texts():
                metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
                traces = b"".join(collector.bodies).decode("latin-1")
                return {
                    "log": log.read_text(),
                    "metrics": metrics,
                    "traces": traces,
                    "tables": contents(url),
                }

            with served(url, stderr, **settings) as server:
                yield server, texts

    def test_key_is_in_no_table_log_line_metric_or_trace(self, observed):
        server, texts = observed
        with owner(server) as client:
            key = created(client)
        exposed = new_key()
        headers = {"Authorization": f"Bearer {key['key']}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=30) as program:
            assert program.get(ME).status_code == 200
            assert program.get("/api/users").status_code == 403
            assert program.patch(ME, json={"name": exposed}).status_code == 422
            assert program.get(f"{ME}?key={exposed}").status_code == 400
            assert program.get(f"/nowhere/{exposed}").status_code == 400
        malformed(server, exposed)

        def complete():
            found = texts()
            is_complete = "Invalid request" in found["log"] and ME in found["traces"]
            return found if is_complete else None

        found = wait_for(complete)

        # Each place has data of the request, so it could have contained the key.
        assert "/nowhere/fak_***" in found["log"]
        assert "/api/health?key=fak_***" in found["log"]
        assert f"'key': '{key['id']}'" in found["log"]
        assert f'api_key_requests_total{{key="{key["id"]}"}} 3.0' in found["metrics"]
        assert "api_key_created" in found["log"]
        assert digest(key["key"]).hex() in found["tables"]
        secrets = (key["key"], key["key"][8:30], exposed, exposed[8:30])
        assert {
            place for place, text_ in found.items() for each in secrets if each in text_
        } == set()


def malformed(server, key):
    """Send a request line that gunicorn rejects and logs."""
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port), timeout=30) as sock:
        sock.sendall(f"GET /api/health?key={key}\r\nHost: a\r\n\r\n".encode())
        assert b" 400 " in sock.recv(65_536)


def contents(url):
    """Return all rows of all tables as text."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = [
            row
            for table in Base.metadata.sorted_tables
            for row in connection.scalars(
                select(cast(literal_column(table.name), Text)).select_from(table)
            )
        ]
    engine.dispose()
    return "\n".join(rows)
