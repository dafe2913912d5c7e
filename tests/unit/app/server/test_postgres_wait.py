"""Deadlines of connections to PostgreSQL under gevent, and how their hosts are resolved."""

import dataclasses
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from struct import pack

import gevent
import pytest
from psycopg2 import OperationalError as DriverError
from psycopg2.extensions import set_wait_callback
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from app.db.database import is_retryable, make_engine
from app.errors.handlers import from_exception
from app.server import postgres_wait

# What PostgreSQL sends to a client that signs in.
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
# The connection ends, with the message Terminate or without it.
ENDS = (b"", b"X\0\0\0\4")
SLEEP = text("SELECT pg_sleep(:seconds)")


@pytest.fixture(autouse=True)
def callback(monkeypatch):
    """The wait callback is set until the end of the test, and deadlines are short."""
    monkeypatch.setattr(postgres_wait, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(postgres_wait, "GRACE_SECONDS", 0)
    set_wait_callback(postgres_wait.wait)
    yield
    set_wait_callback(None)


@pytest.fixture(params=["own driver", "plain psycopg2"])
def engine(request, settings):
    """An engine whose statements may take half a second, but PostgreSQL does not know."""
    half_a_second = dataclasses.replace(settings, database_statement_timeout=500)
    if request.param == "own driver":
        engine = make_engine(dataclasses.replace(settings, database_statement_timeout=60_000))
    else:
        engine = create_engine(settings.database_url)
    postgres_wait.init_engine(engine, half_a_second)
    yield engine
    engine.dispose()


@contextmanager
def silent(welcome):
    """The URL of a server that sends `welcome` and nothing else, and how its client ends."""

    def serve():
        client, _ = listener.accept()
        with client:
            client.settimeout(10)
            client.recv(4096)
            if welcome:
                client.sendall(welcome)
                client.recv(4096)  # the first statement
            return client.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        url = f"postgresql+psycopg2://a@127.0.0.1:{listener.getsockname()[1]}/a"
        yield f"{url}?sslmode=disable&gssencmode=disable", thread.submit(serve)


class TestDeadline:
    def test_statement_that_takes_too_long_is_an_outage_and_not_worth_a_retry(self, app, engine):
        with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(SLEEP, {"seconds": 30})

        assert caught.value.connection_invalidated
        assert not is_retryable(caught.value, seconds=2)
        with app.test_request_context():
            assert from_exception(caught.value).status_code == 503
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1

    def test_commit_that_takes_too_long_is_an_outage_too(self, app, engine):
        # As a frozen PostgreSQL: the constraint is checked at the COMMIT.
        slow = """
            CREATE FUNCTION pg_temp.slow() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_sleep(30); RETURN NULL; END';
            CREATE TEMPORARY TABLE t (n int);
            CREATE CONSTRAINT TRIGGER s AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION pg_temp.slow()"""
        with engine.connect() as connection:
            connection.execute(text(slow))
            connection.execute(text("INSERT INTO t VALUES (1)"))
            with pytest.raises(DBAPIError) as caught:
                connection.commit()

        assert not is_retryable(caught.value, seconds=2)
        with app.test_request_context():
            assert from_exception(caught.value).status_code == 503

    def test_each_statement_has_the_whole_time(self, engine):
        with engine.connect() as connection:
            for _ in range(4):
                connection.execute(SLEEP, {"seconds": 0.2})

    @pytest.mark.parametrize("welcome", [b"", WELCOME], ids=["handshake", "first statement"])
    def test_connection_that_cannot_be_opened_in_time_is_closed(self, app, settings, welcome):
        with silent(welcome) as (url, end):
            engine = make_engine(dataclasses.replace(settings, database_url=url))
            with pytest.raises(OperationalError, match="did not respond") as caught:
                engine.connect()

            assert end.result() in ENDS
        with app.test_request_context():
            assert from_exception(caught.value).status_code == 503


def test_others_run_while_a_greenlet_waits_for_postgresql(engine):
    turns = []

    def count():
        while True:
            turns.append(1)
            gevent.sleep(0.01)

    counting = gevent.spawn(count)
    with engine.connect() as connection:
        connection.execute(SLEEP, {"seconds": 0.3})
    counting.kill()

    assert len(turns) > 5


class TestHost:
    @pytest.fixture
    def resolved(self, monkeypatch):
        """The parameters of libpq, where a name has two addresses."""
        found = [(socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)), (2, 1, 6, "", ("127.0.0.1", 0))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        def resolved(**parameters):
            postgres_wait.resolve_host(None, None, [], parameters)
            return parameters

        return resolved

    def test_libpq_gets_all_addresses_of_a_name_and_the_name(self, resolved):
        assert resolved(host="db", port=5432) == {
            "host": "db,db",
            "hostaddr": "::1,127.0.0.1",
            "port": 5432,
        }

    def test_each_address_of_several_hosts_has_the_name_and_port_of_its_host(self, resolved):
        assert resolved(host="one,two", port="1,2") == {
            "host": "one,one,two,two",
            "hostaddr": "::1,127.0.0.1,::1,127.0.0.1",
            "port": "1,1,2,2",
        }

    def test_host_that_is_unknown_gives_way_to_the_next(self, monkeypatch):
        def look_up(host, *_, **__):
            if host == "gone":
                raise socket.gaierror("unknown")
            return [(2, 1, 6, "", ("127.0.0.1", 0))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        parameters = {"host": "gone,db", "port": "1,2"}

        postgres_wait.resolve_host(None, None, [], parameters)

        assert parameters == {"host": "db", "hostaddr": "127.0.0.1", "port": "2"}

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"host": "/run/postgresql"},
            {"host": "@abstract"},
            {"host": "/one,/two", "port": "1,2"},
            {"host": "db", "hostaddr": "10.0.0.1"},
        ],
    )
    def test_all_else_stays_as_it_is(self, resolved, parameters):
        assert resolved(**parameters) == parameters

    def test_name_is_enough_to_connect(self, settings):
        with silent(WELCOME) as (url, end):
            by_name = dataclasses.replace(
                settings, database_url=url.replace("@127.0.0.1", "@localhost")
            )
            engine = make_engine(by_name)
            postgres_wait.init_engine(engine, by_name)
            with pytest.raises(OperationalError, match="did not respond"):
                engine.connect()
            assert end.result() in ENDS

    def test_host_that_refuses_gives_way_to_the_next(self, settings):
        with silent(WELCOME) as (url, end):
            several = dataclasses.replace(
                settings,
                database_url=url.replace(
                    "@127.0.0.1:", "@/a?host=127.0.0.1,localhost&port=1,"
                ).replace("/a?sslmode", "&sslmode"),
            )
            engine = make_engine(several)
            postgres_wait.init_engine(engine, several)
            with pytest.raises(OperationalError, match="did not respond"):
                engine.connect()
            assert end.result() in ENDS

    def test_unknown_name_is_an_outage(self, settings, app):
        unknown = dataclasses.replace(
            settings, database_url="postgresql+psycopg2://a@nowhere.invalid/a"
        )
        engine = make_engine(unknown)
        postgres_wait.init_engine(engine, unknown)
        with pytest.raises(OperationalError) as caught:
            engine.connect()

        with app.test_request_context():
            assert from_exception(caught.value).status_code == 503

    def test_lookup_has_a_deadline(self, monkeypatch):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gevent.sleep(30))
        with pytest.raises(DriverError, match="lookup of db took more than"):
            postgres_wait.resolve_host(None, None, [], {"host": "db"})


@pytest.mark.unpooled
def test_request_that_ran_into_the_deadline_is_not_run_again(
    client, settings, use_engine, during_get
):
    def wait(connection):
        attempts.append(connection)
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SELECT pg_sleep(30)"))

    attempts = []
    engine = make_engine(settings)
    postgres_wait.init_engine(
        engine, dataclasses.replace(settings, database_statement_timeout=2100)
    )
    use_engine(engine)
    during_get(wait)

    assert client.get("/api/notes/abc").status_code == 503
    assert len(attempts) == 1
    engine.dispose()


def test_connections_of_the_replica_have_its_deadline(settings, app):
    class Replica:
        engine = make_engine(settings)

    class App:
        extensions = {  # noqa: RUF012
            "settings": dataclasses.replace(settings, database_replica_url=settings.database_url),
            "database": make_engine(settings),
            "replica": Replica,
        }

    postgres_wait.init_app(App)
    for engine, seconds in ((App.extensions["database"], 5), (Replica.engine, 1)):
        with engine.connect() as connection:
            opened = connection.connection.dbapi_connection
            assert postgres_wait.statement_seconds[opened] == seconds
        engine.dispose()
