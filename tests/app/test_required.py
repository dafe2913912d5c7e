"""What is sent with the next statement: what a transaction requires, and what it writes last."""

import pytest
from sqlalchemy import Integer, column, select, table, text
from sqlalchemy.exc import DBAPIError, InternalError

from app.database import reading_engine
from app.prepared import Unmet

NUMBERS = select(table("numbers", column("n")).c.n).execution_options(prepared=True)
INSERT = text("INSERT INTO numbers VALUES (:n)").execution_options(prepared=True)
DIVIDE = text("SELECT 4 / :n WHERE :secret <> ''").execution_options(prepared=True)


@pytest.fixture
def engine(with_numbers):
    return with_numbers


class TestRequired:
    """What returns no row is not met."""

    MORE = (
        text("SELECT n FROM numbers WHERE n > :least")
        .columns(n=Integer)
        .execution_options(prepared=True)
    )

    @pytest.fixture(params=[reading_engine, lambda engine: engine], ids=["reading", "writing"])
    def connection(self, engine, request):
        with request.param(engine).connect() as connection:
            yield connection

    def test_lets_the_next_statement_run_if_all_are_met(self, connection):
        connection.require(self.MORE, {"least": 2})
        connection.require(self.MORE, {"least": 1})

        assert len(connection.execute(NUMBERS).all()) == 3

    @pytest.mark.parametrize("statement", [NUMBERS, text("SELECT n FROM numbers")])
    @pytest.mark.parametrize("leasts", [(3,), (2, 3), (3, 2)])
    def test_fails_the_next_statement_if_one_is_not_met(self, connection, statement, leasts):
        for least in leasts:
            connection.require(self.MORE, {"least": least})

        with pytest.raises(Unmet):
            connection.execute(statement)

    @pytest.mark.parametrize("statement", ["SELECT '\0'", "SELEC 1"])
    def test_holds_though_somebody_passes_over_a_statement_that_was_not_run(
        self, connection, statement
    ):
        connection.require(self.MORE, {"least": 3})
        with pytest.raises((ValueError, DBAPIError)):
            connection.exec_driver_sql(statement)

        with pytest.raises((Unmet, InternalError)):
            connection.execute(NUMBERS)

    def test_can_be_asked_by_itself(self, connection):
        connection.make_sure()
        connection.require(self.MORE, {"least": 2})
        connection.make_sure()
        connection.require(self.MORE, {"least": 3})

        with pytest.raises(Unmet):
            connection.make_sure()

    def test_division_by_zero_where_nothing_is_required_is_an_error_like_others(self, connection):
        with pytest.raises(DBAPIError):
            connection.execute(DIVIDE, {"n": 0, "secret": "hunter2"})

    @pytest.mark.parametrize("each", [reading_engine, lambda engine: engine])
    def test_is_none_of_the_next_who_gets_the_connection(self, engine, each):
        with each(engine).connect() as connection:
            connection.require(self.MORE, {"least": 3})
            driver = connection.connection.dbapi_connection
        with each(engine).connect() as connection:
            assert connection.connection.dbapi_connection is driver
            assert not connection.required
            assert len(connection.execute(NUMBERS).all()) == 3


class TestDeferred:
    def test_is_written_by_the_commit(self, engine):
        with engine.begin() as connection:
            connection.defer(INSERT, {"n": 4})

        with engine.connect() as connection:
            assert len(connection.execute(NUMBERS).all()) == 4

    def test_error_of_it_is_one_of_the_commit(self, engine):
        connection = engine.connect()
        connection.defer(DIVIDE, {"n": 0, "secret": "hunter2"})

        with connection, pytest.raises(DBAPIError) as error:
            connection.commit()

        assert error.value.statement is None
        assert "hunter2" not in str(error.value)
