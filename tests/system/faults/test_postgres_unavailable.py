"""PostgreSQL is unavailable, frozen, slow or full: the service returns 503 with Retry-After."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.support.probes import alive, frozen, ready, recovery
from tests.support.servers import served
from tests.support.waiting import wait_for
from tools import embedded

STATEMENT_TIMEOUT = {"DATABASE_STATEMENT_TIMEOUT": "1000"}
# Two requests use all connections of this pool.
SMALL = {
    "GUNICORN_CMD_ARGS": "-w 1",
    "DATABASE_POOL_SIZE": "1",
    "DATABASE_POOL_OVERFLOW": "0",
    "DATABASE_POOL_TIMEOUT": "0.5",
    "DATABASE_LOCK_TIMEOUT": "30000",
}
# This login reads the users. The response is a 401 if the database works.
WRONG = {"email": "unknown@example.com", "password": "wrong"}
OURS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'flask-api'"""


@pytest.fixture(scope="module")
def url(own_database_url):
    """Run the service, and yield its URL, with a statement timeout of one second."""
    with served(own_database_url, **STATEMENT_TIMEOUT) as server:
        yield server.url


@pytest.fixture(scope="module")
def small_url(own_database_url):
    with served(own_database_url, **STATEMENT_TIMEOUT, **SMALL) as server:
        yield server.url


@pytest.fixture
def postmaster(own_data):
    """Return the main process of PostgreSQL; a restart creates a new one."""
    return int((own_data / "postmaster.pid").read_text().split()[0])


@pytest.fixture(scope="module")
def database(own_database_url):
    engine = create_engine(own_database_url)
    yield engine
    engine.dispose()


@contextmanager
def locked(database):
    """Block statements that read users until the end of the block."""
    with database.begin() as connection:
        connection.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        yield


@contextmanager
def full(own_database_url):
    """Close the connections of the service, then use up all connections of PostgreSQL."""
    dsn = make_url(own_database_url).set(drivername="postgresql")
    with ExitStack() as stack:
        connection = take_all(stack, dsn.render_as_string(hide_password=False))
        connection.cursor().execute(OURS)
        take_all(stack, dsn.render_as_string(hide_password=False))
        yield


def take_all(stack, dsn):
    taken = None
    while True:
        try:
            connection = psycopg2.connect(dsn)
        except psycopg2.OperationalError:
            return taken
        stack.callback(connection.close)
        taken = taken or connection


def log_in(url, times=1):
    with ThreadPoolExecutor(times) as threads, httpx.Client(base_url=url, timeout=60) as client:
        return list(threads.map(lambda _: client.post("/api/auth/login", json=WRONG), range(times)))


def is_unavailable(response):
    return (
        response.status_code == 503
        and int(response.headers["Retry-After"]) > 0
        and response.headers["Content-Type"] == "application/problem+json"
        and response.json()["type"] == "/api/problems/unavailable"
    )


def unready(url):
    """Return the response of the readiness probe, once its cached result is not 200 any more."""

    def failure():
        response = ready(url)
        return None if response.status_code == 200 else response

    return wait_for(failure)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_stopped_postgresql(url, own_data, mode):
    with alive(url), embedded.stopped(own_data, mode):
        responses = [*log_in(url, 20), unready(url)]

    assert recovery(url) < 2
    assert all(map(is_unavailable, responses))
    assert log_in(url)[0].status_code == 401


def test_frozen_postgresql(url, postmaster):
    assert log_in(url)[0].status_code == 401
    with alive(url), frozen(postmaster):
        # More requests than connections in the pools.
        responses = [*log_in(url, 24), unready(url)]

    assert recovery(url) < 2
    assert all(map(is_unavailable, responses))


def test_slow_postgresql(url, database):
    with alive(url), locked(database):
        responses = log_in(url, 40)

    assert recovery(url) < 2
    assert all(map(is_unavailable, responses))


def test_no_connections_left(url, own_database_url):
    with alive(url), full(own_database_url):
        responses = [*log_in(url, 4), unready(url)]

    assert recovery(url) < 2
    assert all(map(is_unavailable, responses))


def test_pool_exhausted(small_url, database):
    with alive(small_url), locked(database):
        responses = log_in(small_url, 30)

    assert recovery(small_url) < 2
    assert all(map(is_unavailable, responses))
