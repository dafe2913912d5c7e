"""Session settings behind a transaction pooler."""

import pytest
from sqlalchemy import create_engine, text

from app.db.database import make_engine
from app.db.pooler import warn_about_role


@pytest.fixture
def bare(new_database):
    """Open a connection without session settings."""
    engine = create_engine(new_database())
    with engine.connect() as connection:
        yield connection.connection.dbapi_connection
    engine.dispose()


@pytest.mark.unpooled
def test_missing_settings_of_the_role_are_logged(bare, logged):
    warn_about_role({"server_encoding": "UTF8", "statement_timeout": "5000"})(bare, None)

    assert len(logged) == 1
    assert logged[0]["message"].endswith("ALTER ROLE postgres SET statement_timeout = '5000';")


def test_complete_settings_of_the_role_are_not_logged(bare, logged):
    warn_about_role({"server_encoding": "UTF8"})(bare, None)

    assert logged == []


@pytest.mark.unpooled
def test_pooled_connection_sends_no_settings_and_checks_once(settings, logged):
    engine = make_engine(
        settings.__class__(database_url=settings.database_url, database_pooler=True)
    )
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW statement_timeout")) == "0"
            connection.detach()
    engine.dispose()

    assert ["ALTER ROLE" in record["message"] for record in logged] == [True]
