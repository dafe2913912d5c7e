"""Sessions with autocommit, and isolation levels that a caller sets."""

from typing import ClassVar

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from app.db.database import (
    is_retryable,
    make_engine,
    make_sessions,
)


@pytest.fixture
def pool(settings):
    """Return an engine with the settings of the service."""
    engine = make_engine(settings)
    yield engine
    engine.dispose()


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
