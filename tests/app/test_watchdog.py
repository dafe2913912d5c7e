"""Connections whose statement has no end, though PostgreSQL doesn't end it either."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app import watchdog


@pytest.fixture
def engine(settings):
    """One whose requests wait for half a second."""
    engine = create_engine(settings.database_url, pool_size=1)
    watchdog.init_engine(engine, 0.5)
    yield engine
    engine.dispose()


def sleep(engine, seconds, times=1):
    with engine.connect() as connection:
        for _ in range(times):
            connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
        return True


def test_connection_of_a_request_is_cut_and_the_next_is_another(app, engine):
    with app.test_request_context():
        with pytest.raises(OperationalError, match="closed the connection"):
            sleep(engine, 30)

        assert sleep(engine, 0)


def test_each_statement_has_its_time(app, engine):
    with app.test_request_context():
        assert sleep(engine, 0.2, times=5)


def test_connection_that_has_come_back_is_left_alone(app, engine):
    with app.test_request_context():
        assert sleep(engine, 0)
        assert not watchdog.deadlines


def test_commands_take_the_time_that_they_need(engine):
    assert sleep(engine, 1.5)
