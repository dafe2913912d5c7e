"""Behind a pooler of transactions."""

import pytest
from sqlalchemy import create_engine, text

from app.db.database import make_engine
from app.db.pooler import warn_about_role


@pytest.fixture
def bare(new_database):
    """A session that asked PostgreSQL for nothing."""
    engine = create_engine(new_database())
    with engine.connect() as connection:
        yield connection.connection.dbapi_connection
    engine.dispose()


@pytest.mark.unpooled
def test_role_that_bounds_nothing_is_told_what_it_lacks(bare, logged):
    warn_about_role({"server_encoding": "UTF8", "statement_timeout": "5000"})(bare, None)

    assert len(logged) == 1
    assert logged[0]["message"].endswith("ALTER ROLE postgres SET statement_timeout = '5000';")


def test_role_that_has_all_of_it_is_not(bare, logged):
    warn_about_role({"server_encoding": "UTF8"})(bare, None)

    assert logged == []


@pytest.mark.unpooled
def test_connection_through_a_pooler_asks_for_nothing_and_looks_once(settings, logged):
    engine = make_engine(
        settings.__class__(database_url=settings.database_url, database_pooler=True)
    )
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW statement_timeout")) == "0"
            connection.detach()
    engine.dispose()

    assert ["ALTER ROLE" in record["message"] for record in logged] == [True]
