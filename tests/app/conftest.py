"""Applications with other settings than the one that all tests share."""

import dataclasses
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from loguru import logger
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import create_app
from app.db.database import make_engine
from app.observability import logging
from models.base import Base
from tests.clients import ApiClient


@pytest.fixture
def make_app(app, settings) -> Iterator[Callable[..., Flask]]:
    """Makes an application with other settings, in the transaction of the test.

    The logger is global, so it is set back afterwards.
    """

    def make(**changes) -> Flask:
        made = create_app(dataclasses.replace(settings, **changes))
        for name in ("database", "sessions"):
            made.extensions[name] = app.extensions[name]
        return made

    yield make
    logging.configure(settings)


@pytest.fixture
def limited(make_app) -> Callable[..., ApiClient]:
    """Makes a client whose requests are counted from zero, at other rates than plenty."""
    return lambda **rates: ApiClient(make_app(**rates))


@pytest.fixture
def clock(monkeypatch) -> Callable[[float], None]:
    """Moves the time on, so many seconds."""
    now, offset = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + offset[0])

    def move(seconds: float) -> None:
        offset[0] += seconds

    return move


@pytest.fixture
def logged(app) -> Iterator[list]:
    """What the shared application has to complain of, as loguru's records."""
    records = []
    sink = logger.add(lambda message: records.append(message.record), level="WARNING")
    yield records
    logger.remove(sink)


@pytest.fixture
def during_get(monkeypatch) -> Callable[[Callable], None]:
    """Has `GET /api/products/{id}` do something else, given its database session."""

    def replace(action: Callable[[Session], object]) -> None:
        monkeypatch.setattr("services.products.get", lambda session, _: action(session))

    return replace


@pytest.fixture
def rows(session) -> Callable[[], dict]:
    """Reads everything that is in the database."""

    def read() -> dict:
        tables = Base.metadata.sorted_tables
        return {
            table.name: session.execute(select(table).order_by(*table.primary_key)).all()
            for table in tables
        }

    return read


@pytest.fixture
def with_numbers(settings):
    """An engine as the service has it, and a table `numbers`: 1, 2 and 3."""
    engine = make_engine(settings)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers AS SELECT generate_series(1, 3) AS n"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE numbers"))
    engine.dispose()
