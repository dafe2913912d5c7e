"""Deadlines of connections to PostgreSQL under gevent."""

import dataclasses

import gevent
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from app.db.database import is_retryable, make_engine
from app.errors.handlers import from_exception
from app.server import postgres_wait
from tests.support.silent_postgres import ENDS, WELCOME, silent

pytestmark = pytest.mark.usefixtures("wait_callback")
SLEEP = text("SELECT pg_sleep(:seconds)")


@pytest.fixture(params=["own driver", "plain psycopg2"])
def engine(request, settings):
    """Return an engine with a deadline of half a second, which PostgreSQL does not enforce."""
    half_a_second = dataclasses.replace(settings, database_statement_timeout=500)
    if request.param == "own driver":
        engine = make_engine(dataclasses.replace(settings, database_statement_timeout=60_000))
    else:
        engine = create_engine(settings.database_url)
    postgres_wait.init_engine(engine, half_a_second)
    yield engine
    engine.dispose()


class TestDeadline:
    def test_slow_statement_returns_503_and_not_retryable(self, app, engine):
        with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(SLEEP, {"seconds": 30})

        assert caught.value.connection_invalidated
        assert not is_retryable(caught.value, seconds=2)
        with app.test_request_context():
            assert from_exception(caught.value).status_code == 503
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1

    def test_slow_commit_returns_503(self, app, engine):
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

    def test_each_statement_has_the_full_deadline(self, engine):
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


def test_other_greenlets_run_while_one_waits_for_postgresql(engine):
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


@pytest.mark.unpooled
def test_request_is_not_retried_after_the_deadline(client, settings, use_engine, during_get):
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


def test_replica_has_its_own_deadline(settings, app):
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
