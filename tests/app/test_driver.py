"""psycopg2 with fewer round trips: what is deferred goes with the next statement, or not at all."""

import io
import os
import socket

import psycopg2
import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS

from app.driver import Connection, Cursor


class Counting(Cursor):
    """Notes what is sent to PostgreSQL, a round trip each."""

    def execute(self, statement, values=None):
        deferred = [each.decode() for each in self.connection.deferred]
        self.connection.trips.append([*deferred, statement])
        super().execute(statement, values)


class Counted(Connection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.trips = []


@pytest.fixture
def connection(own_engine):
    url = own_engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(url, connection_factory=Counted, cursor_factory=Counting)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE notes (text text UNIQUE)")
    connection.trips.clear()
    yield connection
    connection.close()


@pytest.fixture
def ask(connection):
    def ask(statement, values=None):
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else None

    return ask


def status(connection):
    return connection.info.transaction_status


class TestTransaction:
    def test_begins_with_its_first_statement(self, connection, ask):
        connection.begin()
        assert status(connection) == TRANSACTION_STATUS_IDLE
        assert ask("SELECT 1") == [(1,)]

        assert status(connection) == TRANSACTION_STATUS_INTRANS
        assert connection.trips == [["BEGIN", "SELECT 1"]]

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    def test_that_asked_nothing_sends_nothing(self, connection, end):
        connection.begin()
        getattr(connection, end)()

        assert connection.trips == []
        assert connection.deferred == []

    def test_is_none_where_nobody_begins_one(self, connection, ask):
        ask("SELECT 1")

        assert status(connection) == TRANSACTION_STATUS_IDLE

    @pytest.mark.parametrize(("end", "rows"), [("commit", [("a",)]), ("rollback", [])])
    def test_is_kept_by_a_commit_only(self, connection, ask, end, rows):
        connection.begin()
        ask("INSERT INTO notes VALUES ('a')")
        getattr(connection, end)()

        assert status(connection) == TRANSACTION_STATUS_IDLE
        assert ask("SELECT text FROM notes") == rows

    def test_copy_is_in_it(self, connection, ask):
        connection.begin()
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY notes FROM STDIN", io.StringIO("a\n"))
        connection.rollback()

        assert ask("SELECT text FROM notes") == []

    def test_many_at_once_are_in_it(self, connection, ask):
        connection.begin()
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO notes VALUES (%s)", [("a",), ("b",)])
        connection.rollback()

        assert ask("SELECT text FROM notes") == []

    @pytest.mark.parametrize(
        ("statement", "values"),
        [
            pytest.param("SELECT %s", ("\0",), id="value that can't be sent"),
            pytest.param("SELEC 1", None, id="not SQL"),
        ],
    )
    def test_is_still_to_begin_if_its_first_statement_was_not_run(
        self, connection, ask, statement, values
    ):
        connection.begin()
        with pytest.raises((ValueError, psycopg2.Error)):
            ask(statement, values)

        ask("INSERT INTO notes VALUES ('a')")
        connection.rollback()
        assert ask("SELECT text FROM notes") == []

    def test_commit_of_one_that_failed_is_an_error(self, connection, ask):
        connection.begin()
        with pytest.raises(psycopg2.Error):
            ask("SELECT 1 / 0")

        with pytest.raises(psycopg2.InternalError):
            connection.commit()
        assert status(connection) == TRANSACTION_STATUS_IDLE

    def test_commit_of_one_that_lost_its_connection_says_so(self, connection, ask):
        connection.begin()
        ask("SELECT 1")
        with socket.socket(fileno=os.dup(connection.fileno())) as sock:
            sock.shutdown(socket.SHUT_RDWR)

        with pytest.raises(psycopg2.OperationalError, match="closed the connection"):
            connection.commit()
        connection.rollback()


class TestDeferred:
    @pytest.fixture
    def write(self, connection):
        def write(text):
            with connection.cursor() as cursor:
                cursor.defer("INSERT INTO notes VALUES (%(text)s)", {"text": text})

        return write

    def test_goes_with_the_next_statement_and_before_it(self, connection, ask, write):
        connection.begin()
        for text in ("a", "100 %(b)s; -- '"):
            write(text)

        assert ask("SELECT text FROM notes WHERE text <> %s", ("",)) == [
            ("a",),
            ("100 %(b)s; -- '",),
        ]
        assert len(connection.trips) == 1

    def test_goes_with_the_commit(self, connection, ask, write):
        connection.begin()
        ask("SELECT 1")
        write("a")
        connection.commit()

        assert len(connection.trips) == 2
        assert ask("SELECT text FROM notes") == [("a",)]

    def test_is_committed_though_nothing_else_was_asked(self, connection, ask, write):
        connection.begin()
        write("a")
        connection.commit()

        assert ask("SELECT text FROM notes") == [("a",)]

    def test_is_forgotten_when_the_transaction_is_rolled_back(self, connection, ask, write):
        connection.begin()
        write("a")
        connection.rollback()

        assert ask("SELECT text FROM notes") == []

    def test_is_not_left_to_another_transaction(self, connection, ask, write):
        write("a")
        connection.begin()

        assert ask("SELECT text FROM notes") == []

    def test_that_fails_keeps_the_next_from_being_run(self, connection, ask, write):
        ask("INSERT INTO notes VALUES ('a')")
        write("a")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            ask("INSERT INTO notes VALUES ('b')")

        connection.rollback()
        assert ask("SELECT text FROM notes") == [("a",)]

    def test_that_fails_at_the_commit_undoes_all(self, connection, ask, write):
        ask("INSERT INTO notes VALUES ('a')")
        connection.begin()
        ask("INSERT INTO notes VALUES ('b')")
        write("a")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            connection.commit()

        assert status(connection) == TRANSACTION_STATUS_IDLE
        assert ask("SELECT text FROM notes") == [("a",)]
