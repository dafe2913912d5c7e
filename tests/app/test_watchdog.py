"""Connections whose statement has no end, though PostgreSQL doesn't end it either."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app import prepared, watchdog


@pytest.fixture
def engine(settings):
    """One whose requests wait for half a second."""
    cursors = {"cursor_factory": watchdog.cursor_factory(0.5)}
    engine = create_engine(settings.database_url, pool_size=1, connect_args=cursors)
    watchdog.init_engine(engine, 0.5)
    yield engine
    engine.dispose()


@pytest.fixture(
    params=[
        pytest.param(False, id="plain"),
        pytest.param(True, id="prepared", marks=pytest.mark.unpooled),
    ]
)
def sleep(engine, request):
    """Has PostgreSQL take its time, so many times on one connection."""
    statement = text("SELECT pg_sleep(:seconds)").execution_options(prepared=request.param)
    if request.param:
        prepared.init_engine(engine)

    def sleep(seconds, times=1):
        with engine.connect() as connection:
            for _ in range(times):
                connection.execute(statement, {"seconds": seconds})
            return True

    return sleep


def test_connection_of_a_request_is_cut_and_the_next_is_another(app, sleep):
    with app.test_request_context():
        with pytest.raises(OperationalError, match="closed the connection"):
            sleep(30)

        assert sleep(0)


def test_each_statement_has_its_time(app, sleep):
    with app.test_request_context():
        assert sleep(0.2, times=5)


def test_connection_that_has_come_back_is_left_alone(app, sleep):
    with app.test_request_context():
        assert sleep(0)
        assert not watchdog.deadlines


def test_commands_take_the_time_that_they_need(sleep):
    assert sleep(1.5)
