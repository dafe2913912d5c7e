"""A rollout under load, as in Kubernetes, loses no request.

The steps of Kubernetes: the new pod becomes ready; new connections go to the new pod, and open
connections stay with the old pod; then the old pod receives SIGTERM.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from selectors import DefaultSelector
from threading import Semaphore

import httpx
import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from bench.load import BrokenResponseError, Client
from models.products import Product
from tests.support.factories import PASSWORD
from tests.support.proxies import ClusterIP
from tests.support.servers import served
from tests.support.shop import ADDRESS
from tests.support.waiting import wait_for

CLIENTS = 8
PATIENCE_SECONDS = 60
ACCOUNT = {"email": "buyer@example.com", "password": PASSWORD}
BODY = json.dumps({"items": [{"product_id": "abc", "quantity": 1}], "shipping_address": ADDRESS})
READ = "GET /api/products/abc HTTP/1.1\r\nHost: a\r\n\r\n"
ORDER = f"""Host: a\r
Content-Type: application/json\r
Content-Length: {len(BODY)}\r
Idempotency-Key: {{key}}\r
\r
{BODY}"""


@pytest.fixture(scope="module")
def database_url(new_database, migrated_url):
    url = new_database(make_url(migrated_url).database)
    engine = create_engine(url)
    with Session(engine) as session, session.begin():
        session.add(Product(id="abc", name="Mug", price=100, currency="USD", stock=1_000_000))
    engine.dispose()
    return url


class Load:
    """Clients that keep connections, never retry, and count results."""

    def __init__(self, port, token, requests):
        order = f"POST /api/orders HTTP/1.1\r\nAuthorization: Bearer {token}\r\n{ORDER}"
        self.port, self.requests, self.number = port, [READ] * 9 + [order], requests
        self.outcomes, self.done = Counter(), Semaphore(0)

    def run(self):
        """Send all requests; one in ten is an order."""
        with DefaultSelector() as selector:
            clients = [Client(self.port, self.requests, selector) for _ in range(CLIENTS)]
            for client in clients:
                client.send()
            for _ in range(self.number - CLIENTS):
                self.one_done(selector).send()
            for _ in clients:
                self.one_done(selector).close()

    def one_done(self, selector):
        """Wait for a response or a failure, and return its client."""
        outcome = None
        while outcome is None:
            (key, _), *_ = selector.select(PATIENCE_SECONDS)
            try:
                outcome = key.data.receive()
            except BrokenResponseError as error:
                outcome = repr(error.__cause__)
                key.data.ends_at = 0.0
        self.outcomes[outcome] += 1
        self.done.release()
        return key.data

    def wait(self, requests):
        """Wait until `requests` more requests are done."""
        for _ in range(requests):
            assert self.done.acquire(timeout=PATIENCE_SECONDS)

    @property
    def succeeded(self):
        return self.outcomes.keys() <= {200, 201} and self.outcomes.total() == self.number


def signed_up(url):
    httpx.post(f"{url}/api/auth/register", json=ACCOUNT)
    return httpx.post(f"{url}/api/auth/login", json=ACCOUNT).json()["access_token"]


@pytest.mark.parametrize("requests", [3000, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_no_request_fails_during_a_rollout(database_url, requests):
    with (
        served(database_url) as old,
        served(database_url) as successor,
        ThreadPoolExecutor(1) as thread,
    ):
        service = ClusterIP(old.url)
        with service.running() as port:
            load = Load(port, signed_up(old.url), requests)
            running = thread.submit(load.run)
            load.wait(1000)
            service.endpoint = successor.url
            load.wait(100)
            assert service.open.count(old.url) == CLIENTS
            old.process.terminate()
            assert old.process.wait(PATIENCE_SECONDS) == 0
            running.result(5 * PATIENCE_SECONDS)

    assert load.succeeded, load.outcomes


def test_no_request_fails_when_max_requests_replaces_workers(database_url):
    with served(
        database_url, GUNICORN_CMD_ARGS="--max-requests 300 --max-requests-jitter 0"
    ) as server:
        load = Load(httpx.URL(server.url).port, signed_up(server.url), 1200)
        workers = {each.pid for each in psutil.Process(server.process.pid).children()}
        load.run()
        replaced = {each.pid for each in psutil.Process(server.process.pid).children()}

    assert not workers & replaced
    assert load.succeeded, load.outcomes


CLOSE = b"\r\nConnection: close\r\n"
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""
PATIENT = {"DATABASE_LOCK_TIMEOUT": "60000", "DATABASE_STATEMENT_TIMEOUT": "60000"}


def test_requests_that_wait_for_postgresql_at_sigterm_are_finished(database_url):
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with (
        served(database_url, **PATIENT) as server,
        ThreadPoolExecutor(CLIENTS) as threads,
        httpx.Client(timeout=PATIENCE_SECONDS) as client,
        engine.connect() as watching,
    ):
        with create_engine(database_url).begin() as connection:
            connection.execute(text("LOCK TABLE products IN ACCESS EXCLUSIVE MODE"))
            url = f"{server.url}/api/products"
            under_way = [threads.submit(client.get, url) for _ in range(CLIENTS)]
            wait_for(lambda: watching.scalar(text(WAITING)) == CLIENTS)
            server.process.terminate()
            # The workers stop accepting connections within a second.
            wait_for(lambda: is_refused(server.url))
        responses = [each.result() for each in under_way]
        assert server.process.wait(PATIENCE_SECONDS) == 0
    engine.dispose()

    assert {response.status_code for response in responses} == {200}


def is_refused(url):
    try:
        httpx.get(f"{url}/api/health/live", timeout=1)
    except httpx.TransportError:
        return True
    return False
