"""Transactions, and the connections that they run on."""

from contextlib import suppress
from typing import ClassVar

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError, PendingRollbackError

from app.db.database import (
    GRACE_SECONDS,
    database,
    is_retryable,
    make_engine,
    make_sessions,
)
from models.users import USER_ID
from services.errors import InvalidRefreshToken, NotFound
from tests.support.notes import NOTE_ID, Note, NoteFactory

A, B = NOTE_ID.new(), NOTE_ID.new()


def new_note(note_id):
    return Note(id=note_id, user_id=USER_ID.new(), title="New")


@pytest.fixture
def there(session):
    """The ids of the notes that are in the database."""

    def read():
        return set(session.scalars(select(Note.id)))

    return read


@pytest.fixture
def pool(settings):
    """An engine as the service has it."""
    engine = make_engine(settings)
    yield engine
    engine.dispose()


class TestTransaction:
    @staticmethod
    def add_and_raise(error):
        with database.transaction() as session:
            session.add(new_note(A))
            session.flush()
            raise error

    @pytest.mark.parametrize("error", [NotFound, InvalidRefreshToken, RuntimeError, SystemExit])
    def test_exception_rolls_back_and_goes_on(self, app, there, error):
        with app.app_context(), pytest.raises(error):
            self.add_and_raise(error)

        assert there() == set()

    def test_error_at_the_commit_rolls_back(self, app, there):
        NoteFactory(id=A)

        with app.app_context(), pytest.raises(IntegrityError), database.transaction() as session:
            session.add_all([new_note(A), new_note(B)])

        assert there() == {A}

    def test_flush_that_failed_and_was_passed_over_is_no_success(self, app, there):
        NoteFactory(id=A)

        def pass_over():
            with database.transaction() as session:
                session.add(new_note(A))
                with suppress(IntegrityError):
                    session.flush()

        with app.app_context(), pytest.raises(PendingRollbackError):
            pass_over()

    def test_end_of_the_block_commits(self, app, there):
        with app.app_context(), database.transaction() as session:
            session.add(new_note(A))

        assert there() == {A}

    @pytest.mark.usefixtures("session")
    def test_what_was_read_can_be_used_afterwards(self, app):
        NoteFactory(id=A, priority=3)
        with app.app_context(), database.transaction() as session:
            note = session.get(Note, A)

        assert note.priority == 3


class TestEngine:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("TimeZone", "UTC"),
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("application_name", "flask-api"),
        ],
    )
    def test_connections_are_bounded_by_the_server(self, pool, name, value):
        with pool.connect() as connection:
            assert connection.scalar(text(f"SHOW {name}")) == value

    def test_errors_tell_no_values(self, pool):
        divide = text("SELECT 1 / 0 WHERE :secret <> ''")
        with pool.connect() as connection, pytest.raises(DBAPIError, match="hidden") as caught:
            connection.execute(divide, {"secret": "hunter2"})

        assert "hunter2" not in str(caught.value)

    @pytest.mark.unpooled
    def test_restart_of_postgresql_between_requests_costs_no_error(
        self, client, pool, settings, use_engine
    ):
        use_engine(pool)
        assert client.get("/api/notes").status_code == 200
        with pool.connect() as connection:
            process = connection.scalar(text("SELECT pg_backend_pid()"))
        other = create_engine(settings.database_url)
        with other.connect() as connection:
            # Waits until it is gone.
            connection.execute(text("SELECT pg_terminate_backend(:id, 5000)"), {"id": process})
        other.dispose()

        assert client.get("/api/notes").status_code == 200


class TestAutocommit:
    """A session for reads has no transaction, and leaves none behind."""

    @pytest.fixture
    def sessions(self, pool):
        return make_sessions(pool)

    @staticmethod
    def is_transaction(session) -> bool:
        """Return whether two statements have one `now()`, the time of their transaction."""
        now = text("SELECT now()")
        return session.scalar(now) == session.scalar(now)

    def test_session_with_autocommit_has_no_transaction(self, sessions):
        with sessions(info={"autocommit": True}) as session:
            assert not self.is_transaction(session)

    def test_connection_returns_to_the_pool_without_autocommit(self, sessions):
        with sessions(info={"autocommit": True}) as session:
            process = session.scalar(text("SELECT pg_backend_pid()"))

        with sessions(info={"autocommit": False}) as session:
            assert session.scalar(text("SELECT pg_backend_pid()")) == process
            assert self.is_transaction(session)

    def test_lost_connection_is_replaced(self, sessions, settings):
        other = create_engine(settings.database_url)
        with sessions(info={"autocommit": True}) as session, other.connect() as connection:
            process = session.scalar(text("SELECT pg_backend_pid()"))
            connection.execute(text("SELECT pg_terminate_backend(:id, 5000)"), {"id": process})
            with pytest.raises(DBAPIError) as error:
                session.scalar(text("SELECT 1"))
        other.dispose()

        assert is_retryable(error.value)
        with sessions(info={"autocommit": True}) as session:
            assert session.scalar(text("SELECT 1")) == 1


class TestIsolationLevel:
    """A level that a caller sets holds, or raises."""

    LEVEL: ClassVar = {"isolation_level": "SERIALIZABLE"}
    SHOW = text("SHOW transaction_isolation")

    @pytest.fixture(params=[False, True], ids=["transaction", "autocommit"])
    def opened(self, pool, request):
        with make_sessions(pool)(info={"autocommit": request.param}) as session:
            yield session

    def test_holds_before_the_first_statement(self, opened):
        opened.connection(execution_options=self.LEVEL)

        assert opened.scalar(self.SHOW) == "serializable"
        now = text("SELECT now()")
        assert opened.scalar(now) == opened.scalar(now)  # one transaction

    def test_does_not_reach_the_next_session(self, opened, pool):
        opened.connection(execution_options=self.LEVEL)
        opened.scalar(self.SHOW)
        opened.close()

        with make_sessions(pool)(info={"autocommit": False}) as session:
            assert session.scalar(self.SHOW) == "read committed"

    def test_transaction_of_a_caller_can_be_read_only(self, opened):
        opened.connection(execution_options={"postgresql_readonly": True})

        assert opened.scalar(text("SHOW transaction_read_only")) == "on"

    def test_raises_for_options_by_position(self, opened):
        opened.scalar(self.SHOW)

        with pytest.raises(InvalidRequestError, match="first"):
            opened.connection(None, self.LEVEL)

    @pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
    def test_raises_after_the_first_statement(self, opened):
        opened.scalar(self.SHOW)

        with pytest.raises(InvalidRequestError, match="first"):
            opened.connection(execution_options=self.LEVEL)

    def test_raises_for_one_statement(self, opened):
        with pytest.raises(InvalidRequestError, match="isolation_level"):
            opened.scalar(self.SHOW, execution_options=self.LEVEL)

    def test_of_the_engine_holds(self, pool):
        engine = pool.execution_options(**self.LEVEL)
        for autocommit in (False, True):
            with make_sessions(pool)(bind=engine, info={"autocommit": autocommit}) as session:
                assert session.scalar(self.SHOW) == "serializable"


class TestLostConnections:
    """A connection lost in a statement committed nothing; lost in COMMIT, it may have."""

    @pytest.fixture
    def lost(self, pool, settings):
        """A connection in a transaction, which PostgreSQL has ended."""
        other = create_engine(settings.database_url)
        with pool.connect() as lost, other.connect() as connection:
            process = lost.scalar(text("SELECT pg_backend_pid()"))
            connection.execute(text("SELECT pg_terminate_backend(:id, 5000)"), {"id": process})
            yield lost
        other.dispose()

    def test_statement_is_worth_running_again(self, lost):
        with pytest.raises(DBAPIError) as error:
            lost.execute(text("SELECT 1"))

        assert is_retryable(error.value)
        assert not is_retryable(error.value, seconds=GRACE_SECONDS)

    def test_commit_is_not(self, lost):
        with pytest.raises(DBAPIError) as error:
            lost.commit()

        assert not is_retryable(error.value)
