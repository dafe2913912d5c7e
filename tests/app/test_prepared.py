"""Statements that PostgreSQL parses once a connection."""

import pytest
from sqlalchemy import column as sql_column
from sqlalchemy import create_engine, select, table, text
from sqlalchemy.exc import DBAPIError

from app.database import make_engine, worth_retrying
from app.prepared import forms

NUMBERS = select(table("numbers", sql_column("n"))).execution_options(prepared=True)
# As if a statement had `SELECT *` in it.
EVERYTHING = text("SELECT * FROM numbers WHERE n > :n").execution_options(prepared=True)
KEPT = text("SELECT statement FROM pg_prepared_statements")


@pytest.fixture
def engine(settings):
    engine = make_engine(settings)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers AS SELECT generate_series(1, 3) AS n"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE numbers"))
    engine.dispose()


def test_each_is_prepared_once_a_connection(engine):
    with engine.connect() as connection:
        for n in range(3):
            assert connection.execute(EVERYTHING, {"n": n}).scalars().all() == [1, 2, 3][n:]
        kept = connection.execute(KEPT).scalars().all()

    assert [statement.partition(" AS ")[2] for statement in kept] == [
        "SELECT * FROM numbers WHERE n > $1"
    ]


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
        assert connection.execute(EVERYTHING, {"n": 2}).all() == [(3, None)]

    assert worth_retrying(error.value)


def test_parameters_are_numbered_and_percent_signs_are_single():
    prepare, execute = forms("SELECT %(a)s, %(b)s, %(a)s, '100%%'")
    name = execute.split()[1]

    assert prepare == f"PREPARE {name} AS SELECT $1, $2, $1, '100%'"
    assert execute == f"EXECUTE {name} (%(a)s, %(b)s)"


def test_other_statements_have_other_names():
    assert forms("SELECT 1")[1] != forms("SELECT 2")[1]
