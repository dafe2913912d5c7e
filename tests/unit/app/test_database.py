"""Transactions, engine settings and lost connections."""

from contextlib import suppress

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from app.db.database import (
    GRACE_SECONDS,
    database,
    is_retryable,
    make_engine,
)
from models.users import USER_ID
from services.errors import InvalidRefreshToken, NotFound
from tests.support.notes import NOTE_ID, Note, NoteFactory

A, B = NOTE_ID.new(), NOTE_ID.new()


def new_note(note_id):
    return Note(id=note_id, user_id=USER_ID.new(), title="New")


@pytest.fixture
def note_ids(session):
    """Return a function that reads the ids of all notes."""

    def read():
        return set(session.scalars(select(Note.id)))

    return read


@pytest.fixture
def pool(settings):
    """Return an engine with the settings of the service."""
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
    def test_exception_rolls_back_and_propagates(self, app, note_ids, error):
        with app.app_context(), pytest.raises(error):
            self.add_and_raise(error)

        assert note_ids() == set()

    def test_error_at_the_commit_rolls_back(self, app, note_ids):
        NoteFactory(id=A)

        with app.app_context(), pytest.raises(IntegrityError), database.transaction() as session:
            session.add_all([new_note(A), new_note(B)])

        assert note_ids() == {A}

    def test_suppressed_error_of_a_flush_raises_at_the_commit(self, app, note_ids):
        NoteFactory(id=A)

        def suppress_error():
            with database.transaction() as session:
                session.add(new_note(A))
                with suppress(IntegrityError):
                    session.flush()

        with app.app_context(), pytest.raises(PendingRollbackError):
            suppress_error()

    def test_end_of_the_block_commits(self, app, note_ids):
        with app.app_context(), database.transaction() as session:
            session.add(new_note(A))

        assert note_ids() == {A}

    @pytest.mark.usefixtures("session")
    def test_objects_can_be_used_after_the_commit(self, app):
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
            ("max_parallel_workers_per_gather", "0"),
            ("application_name", "flask-api"),
        ],
    )
    def test_connections_have_server_timeouts(self, pool, name, value):
        with pool.connect() as connection:
            assert connection.scalar(text(f"SHOW {name}")) == value

    def test_errors_have_no_values(self, pool):
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

    def test_statement_is_retryable(self, lost):
        with pytest.raises(DBAPIError) as error:
            lost.execute(text("SELECT 1"))

        assert is_retryable(error.value)
        assert not is_retryable(error.value, seconds=GRACE_SECONDS)

    def test_commit_is_not_retryable(self, lost):
        with pytest.raises(DBAPIError) as error:
            lost.commit()

        assert not is_retryable(error.value)
