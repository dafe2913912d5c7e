"""Prepared statements."""

import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import (
    JSON,
    Integer,
    Text,
    bindparam,
    create_engine,
    select,
    table,
    text,
)
from sqlalchemy import column as sql_column
from sqlalchemy.exc import DBAPIError, StatementError

from app.db.database import is_retryable
from app.db.prepared import forms
from models.users import USER_ID

pytestmark = pytest.mark.unpooled

NUMBERS_TABLE = table("numbers", sql_column("n"), sql_column("other"))
NUMBERS = select(NUMBERS_TABLE.c.n).execution_options(prepared=True)
# Like a statement with `SELECT *`.
EVERYTHING = (
    text("SELECT * FROM numbers WHERE n > :n").columns(n=Integer).execution_options(prepared=True)
)
INSERT = text("INSERT INTO numbers VALUES (:n)").execution_options(prepared=True)
DIVIDE = text("SELECT 4 / :n WHERE :secret <> ''").execution_options(prepared=True)
CONVERTED = select(
    bindparam("id", type_=USER_ID).label("id"),
    bindparam("address", type_=JSON).label("address"),
    bindparam("text", type_=Text).label("text"),
).execution_options(prepared=True)
KEPT = text("SELECT statement FROM pg_prepared_statements")


def autocommit(engine):
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@pytest.fixture
def engine(with_numbers):
    return with_numbers


def test_statement_is_prepared_once_per_connection(engine):
    with engine.connect() as connection:
        for n in range(3):
            assert connection.execute(EVERYTHING, {"n": n}).all() == [(1,), (2,), (3,)][n:]
        kept = connection.execute(KEPT).scalars().all()

    assert [each.partition(" AS ")[2].partition(";")[0] for each in kept] == [
        "SELECT * FROM numbers WHERE n > $1"
    ]


def test_autocommit_and_transactions_prepare_alike(engine):
    for each in (engine, autocommit(engine)):
        with each.connect() as connection:
            connection.execute(NUMBERS)
            assert len(connection.execute(KEPT).all()) == 1


def test_reading_leaves_no_transaction_open(engine):
    with autocommit(engine).connect() as connection:
        connection.execute(NUMBERS)

        assert (
            connection.connection.dbapi_connection.info.transaction_status
            == TRANSACTION_STATUS_IDLE
        )


def test_writes_need_a_commit(engine):
    for commit, count in ((False, 3), (True, 4)):
        with engine.connect() as connection:
            connection.execute(INSERT, {"n": 4})
            if commit:
                connection.commit()
        with engine.connect() as connection:
            assert len(connection.execute(NUMBERS).all()) == count


def test_values_and_rows_are_converted_as_without_prepare(engine):
    value = {"id": USER_ID.new(), "address": {"city": "Zürich"}, "text": "it's"}
    with engine.connect() as connection:
        assert connection.execute(CONVERTED, value).one()._asdict() == value


def test_error_has_no_values_and_keeps_the_connection_usable(engine):
    with autocommit(engine).connect() as connection:
        with pytest.raises(DBAPIError, match="hidden") as error:
            connection.execute(DIVIDE, {"n": 0, "secret": "hunter2"})
        assert "hunter2" not in str(error.value)
        assert connection.execute(DIVIDE, {"n": 2, "secret": "hunter2"}).scalar() == 2


@pytest.mark.parametrize("lock", ["LOCK TABLE numbers", "SELECT 1 FROM numbers FOR UPDATE"])
def test_timeout_of_the_first_execution_keeps_the_connection_usable(engine, lock):
    change = text("UPDATE numbers SET n = n").execution_options(prepared=True)
    with autocommit(engine).connect() as connection, engine.connect() as other:
        connection.execute(text("SET lock_timeout = '50ms'"))
        other.execute(text(lock))
        # With the lock of the table, the statement is not prepared; with that of a row, it is.
        with pytest.raises(DBAPIError, match="lock timeout"):
            connection.execute(change)
        other.rollback()

        assert connection.execute(change).rowcount == 3
        connection.execute(text("RESET lock_timeout"))


def test_lost_connection_invalidates_all_older_connections(engine, settings):
    with autocommit(engine).connect() as connection, engine.connect() as idle:
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

    assert is_retryable(error.value)
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection.info.backend_pid not in {process, old}


def test_missing_parameter_raises_an_error(engine):
    with engine.connect() as connection, pytest.raises(StatementError, match="value is required"):
        connection.execute(EVERYTHING, {})


def test_discarded_statements_invalidate_the_connection(engine):
    with engine.connect() as connection:
        connection.execute(NUMBERS)
        connection.execute(text("DEALLOCATE ALL"))
        with pytest.raises(DBAPIError) as error:
            connection.execute(NUMBERS)
    with engine.connect() as connection:
        assert len(connection.execute(NUMBERS).all()) == 3

    assert is_retryable(error.value)


def test_closed_driver_connection_is_a_lost_connection(engine):
    with autocommit(engine).connect() as connection:
        connection.connection.dbapi_connection.close()
        with pytest.raises(DBAPIError) as error:
            connection.execute(NUMBERS)

    assert is_retryable(error.value)


def test_rollback_keeps_the_prepared_statement(engine):
    with engine.connect() as connection:
        for _ in range(2):
            assert len(connection.execute(NUMBERS).all()) == 3
            connection.rollback()


def test_changed_table_invalidates_the_connection(engine, settings):
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

    assert is_retryable(error.value)


def test_unsupported_feature_keeps_the_connection(engine):
    """Its SQLSTATE is that of an outdated statement."""
    with engine.connect() as connection, pytest.raises(DBAPIError, match="FOR UPDATE") as error:
        connection.execute(text("SELECT count(*) FROM numbers FOR UPDATE"))

    assert error.value.orig.pgcode == "0A000"
    assert not error.value.connection_invalidated


def test_parameters_are_numbered_and_percent_signs_stay_doubled_for_the_driver():
    name, prepare, execute = forms("SELECT %(a)s, %(b)s, %(a)s, '100%%'")

    assert prepare == f"PREPARE {name} AS SELECT $1, $2, $1, '100%%'"
    assert execute == f"EXECUTE {name} (%(a)s, %(b)s)"


def test_percent_sign_reaches_postgresql_as_one(engine):
    percent = text("SELECT '100%' WHERE :n = 1").execution_options(prepared=True)
    with engine.connect() as connection:
        assert [connection.execute(percent, {"n": 1}).scalar() for _ in range(2)] == ["100%"] * 2


def test_names_of_statements_differ():
    assert forms("SELECT 1")[0] != forms("SELECT 2")[0]
