"""Connections whose statement has no end, though PostgreSQL doesn't end it either."""

import dataclasses
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from struct import pack

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app import driver, prepared, watchdog
from app.database import make_engine

# What PostgreSQL answers to a client that signs in.
PARAMETERS = (
    b"client_encoding\0UTF8\0",
    b"DateStyle\0ISO, MDY\0",
    b"server_version\x0018.0\0",
    b"standard_conforming_strings\0on\0",
)
WELCOME = b"".join(
    kind + pack("!i", 4 + len(body)) + body
    for kind, body in [(b"R", b"\0" * 4), *((b"S", each) for each in PARAMETERS), (b"Z", b"I")]
)


@pytest.fixture
def engine(settings):
    """One whose requests wait for half a second."""
    factories = {
        "connection_factory": driver.Connection,
        "cursor_factory": watchdog.cursor_factory(0.5),
    }
    engine = create_engine(settings.database_url, pool_size=1, connect_args=factories)
    watchdog.init_engine(engine)
    yield engine
    engine.dispose()


@contextmanager
def silent():
    """The URL of a server that signs one client in and answers nothing, and how that ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        url = f"postgresql+psycopg2://a@127.0.0.1:{listener.getsockname()[1]}/a"
        yield f"{url}?sslmode=disable&gssencmode=disable", thread.submit(welcome, listener)


def welcome(listener):
    """What the client does in the end; TimeoutError when it waits."""
    client, _ = listener.accept()
    with client:
        client.settimeout(10)
        client.recv(4096)
        client.sendall(WELCOME)
        client.recv(4096)  # its first question
        return client.recv(4096)


@pytest.fixture(
    params=[
        pytest.param(False, id="plain"),
        pytest.param(True, id="prepared", marks=pytest.mark.unpooled),
    ]
)
def sleep(engine, request):
    """Has PostgreSQL take its time, so many times on one connection."""
    statement = text("SELECT pg_sleep(:seconds)").execution_options(prepared=request.param)
    if request.param:
        prepared.init_engine(engine)

    def sleep(seconds, times=1):
        with engine.connect() as connection:
            for _ in range(times):
                connection.execute(statement, {"seconds": seconds})
            return True

    return sleep


def test_connection_of_a_request_is_cut_and_the_next_is_another(app, sleep):
    with app.test_request_context():
        with pytest.raises(OperationalError, match="closed the connection"):
            sleep(30)

        assert sleep(0)


def test_each_statement_has_its_time(app, sleep):
    with app.test_request_context():
        assert sleep(0.2, times=5)


def test_connection_that_has_come_back_is_left_alone(app, sleep):
    with app.test_request_context():
        assert sleep(0)
        assert not watchdog.deadlines


def test_commands_take_the_time_that_they_need(sleep):
    assert sleep(1.5)


@pytest.mark.parametrize("pooler", [True, False])
def test_connection_that_is_being_made_is_cut_too(app, settings, pooler):
    given = {"database_pooler": pooler, "database_statement_timeout": 1}
    with app.test_request_context(), silent() as (url, end):
        with pytest.raises(OperationalError):
            make_engine(settings.__class__(database_url=url, **given)).connect()

        assert end.result() == b""


@pytest.mark.unpooled
def test_request_that_was_cut_is_not_run_again(client, settings, use_engine, during_get):
    def wait(session):
        attempts.append(session)
        session.execute(text("SET statement_timeout = 0"))
        session.execute(text("SELECT pg_sleep(30)"))

    attempts = []
    engine = make_engine(dataclasses.replace(settings, database_statement_timeout=500))
    use_engine(engine)
    during_get(wait)

    assert client.get("/api/products/abc").status_code == 503
    assert len(attempts) == 1
    engine.dispose()


def test_nobody_gives_a_connection_back_or_new_time_while_it_is_cut(app, sleep, monkeypatch):
    seen = []

    def cut(connection):
        with ThreadPoolExecutor(1) as other:
            free = other.submit(watchdog.lock.acquire, blocking=False).result()
        seen.append((free, connection in watchdog.deadlines))

    monkeypatch.setattr(watchdog, "cut", cut)
    with app.test_request_context():
        sleep(1.5)

    assert seen == [(False, False)]


def test_descriptor_that_is_somebody_elses_by_now_is_left_alone():
    ours, theirs = socket.socketpair()

    class Closed:
        """Closed by libpq between two looks, and its descriptor is that of `ours`."""

        looks = iter([ours.fileno(), -1])

        def fileno(self):
            return next(self.looks)

    with ours, theirs:
        watchdog.cut(Closed())
        ours.sendall(b"here")

        assert theirs.recv(4) == b"here"
