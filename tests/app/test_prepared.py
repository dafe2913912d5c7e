"""Statements that PostgreSQL parses once a connection."""

import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import (
    JSON,
    Integer,
    Text,
    bindparam,
    create_engine,
    event,
    select,
    table,
    text,
    update,
)
from sqlalchemy import column as sql_column
from sqlalchemy.exc import DBAPIError, StatementError

from app.database import reading_engine, worth_retrying
from app.statement import forms
from models.orders import ORDER_ID

pytestmark = pytest.mark.unpooled

NUMBERS_TABLE = table("numbers", sql_column("n"), sql_column("other"))
NUMBERS = select(NUMBERS_TABLE.c.n).execution_options(prepared=True)
# As if a statement had `SELECT *` in it.
EVERYTHING = (
    text("SELECT * FROM numbers WHERE n > :n").columns(n=Integer).execution_options(prepared=True)
)
INSERT = text("INSERT INTO numbers VALUES (:n)").execution_options(prepared=True)
DIVIDE = text("SELECT 4 / :n WHERE :secret <> ''").execution_options(prepared=True)
CONVERTED = select(
    bindparam("id", type_=ORDER_ID).label("id"),
    bindparam("address", type_=JSON).label("address"),
    bindparam("text", type_=Text).label("text"),
).execution_options(prepared=True)
KEPT = text("SELECT statement FROM pg_prepared_statements")


@pytest.fixture
def engine(with_numbers):
    return with_numbers


def test_each_is_prepared_once_a_connection(engine):
    with engine.connect() as connection:
        for n in range(3):
            assert connection.execute(EVERYTHING, {"n": n}).all() == [(1,), (2,), (3,)][n:]
        kept = connection.execute(KEPT).scalars().all()

    assert [statement.partition(" AS ")[2] for statement in kept] == [
        "SELECT * FROM numbers WHERE n > $1"
    ]


def test_reading_and_writing_connections_prepare_alike(engine):
    for each in (engine, reading_engine(engine)):
        with each.connect() as connection:
            connection.execute(NUMBERS)
            assert len(connection.execute(KEPT).all()) == 1


def test_reading_leaves_no_transaction_open(engine):
    with reading_engine(engine).connect() as connection:
        connection.execute(NUMBERS)

        assert (
            connection.connection.dbapi_connection.info.transaction_status
            == TRANSACTION_STATUS_IDLE
        )


def test_writing_is_committed_by_a_commit_only(engine):
    for commit, count in ((False, 3), (True, 4)):
        with engine.connect() as connection:
            connection.execute(INSERT, {"n": 4})
            if commit:
                connection.commit()
        with engine.connect() as connection:
            assert len(connection.execute(NUMBERS).all()) == count


def test_values_and_rows_are_converted_as_ever(engine):
    value = {"id": ORDER_ID.new(), "address": {"city": "Zürich"}, "text": "it's"}
    with engine.connect() as connection:
        assert connection.execute(CONVERTED, value).one()._asdict() == value


def test_error_tells_no_values_and_leaves_the_connection_usable(engine):
    with reading_engine(engine).connect() as connection:
        with pytest.raises(DBAPIError, match="hidden") as error:
            connection.execute(DIVIDE, {"n": 0, "secret": "hunter2"})
        assert "hunter2" not in str(error.value)
        assert connection.execute(DIVIDE, {"n": 2, "secret": "hunter2"}).scalar() == 2


def test_lost_connection_is_thrown_away_with_all_as_old(engine, settings):
    with reading_engine(engine).connect() as connection, engine.connect() as idle:
        connection.execute(NUMBERS)
        process = connection.connection.dbapi_connection.info.backend_pid
        old = idle.connection.dbapi_connection.info.backend_pid
        idle.close()
        other = create_engine(settings.database_url)
        with other.connect() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:id, 5000)"), {"id": process})
        other.dispose()
        with pytest.raises(DBAPIError) as error:
            connection.execute(NUMBERS)

    assert worth_retrying(error.value)
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection.info.backend_pid not in {process, old}


def test_missing_value_is_an_error_and_not_null(engine):
    with engine.connect() as connection, pytest.raises(StatementError, match="no value for"):
        connection.execute(EVERYTHING, {})


def test_columns_that_are_not_named_are_not_overwritten(engine):
    careless = update(NUMBERS_TABLE).execution_options(prepared=True)
    with engine.connect() as connection, pytest.raises(StatementError, match="no value for"):
        connection.execute(careless, {"other": 1})


def test_discarded_statements_take_a_new_connection(engine):
    with engine.connect() as connection:
        connection.execute(NUMBERS)
        connection.execute(text("DEALLOCATE ALL"))
        with pytest.raises(DBAPIError) as error:
            connection.execute(NUMBERS)
    with engine.connect() as connection:
        assert len(connection.execute(NUMBERS).all()) == 3

    assert worth_retrying(error.value)


def test_driver_that_was_closed_is_a_lost_connection(engine):
    with reading_engine(engine).connect() as connection:
        connection.connection.dbapi_connection.close()
        with pytest.raises(DBAPIError) as error:
            connection.execute(NUMBERS)

    assert worth_retrying(error.value)


def test_writer_that_gets_a_connection_of_a_reader_has_a_transaction(engine):
    with engine.connect() as writer:
        writer.execute(NUMBERS)
        writer.invalidate()
        with reading_engine(engine).connect() as reader:
            reader.execute(NUMBERS)
        writer.rollback()
        writer.execute(INSERT, {"n": 4})
        writer.rollback()

        assert len(writer.execute(NUMBERS).all()) == 3


def test_listener_gets_statements_with_their_context(engine):
    seen = []
    event.listen(engine, "before_cursor_execute", lambda *call: seen.append(call[4].statement))

    with engine.connect() as connection:
        assert len(connection.execute(NUMBERS).all()) == 3

    assert len(seen) == 1


def test_roll_back_does_not_lose_it(engine):
    with engine.connect() as connection:
        for _ in range(2):
            assert len(connection.execute(NUMBERS).all()) == 3
            connection.rollback()


def test_that_of_a_table_that_changed_takes_a_new_connection(engine, settings):
    with engine.connect() as connection:
        connection.execute(EVERYTHING, {"n": 0})
    other = create_engine(settings.database_url)
    with other.begin() as migration:
        migration.execute(text("ALTER TABLE numbers ADD COLUMN note text"))
    other.dispose()

    with engine.connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(EVERYTHING, {"n": 0})
    with engine.connect() as connection:
        assert connection.execute(EVERYTHING, {"n": 2}).one()._asdict() == {"n": 3, "note": None}

    assert worth_retrying(error.value)


def test_parameters_are_numbered_and_percent_signs_are_single():
    prepare, execute = forms("SELECT %(a)s, %(b)s, %(a)s, '100%%'")
    name = execute.split()[1]

    assert prepare == f"PREPARE {name} AS SELECT $1, $2, $1, '100%'"
    assert execute == f"EXECUTE {name} (%(a)s, %(b)s)"


def test_other_statements_have_other_names():
    assert forms("SELECT 1")[1] != forms("SELECT 2")[1]
