"""Fixtures: applications with other settings than the shared one."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from app import create_app
from app.observability import logging
from models.base import Base
from tests.support import notes
from tests.support.clients import ApiClient


@pytest.fixture
def make_app(app, settings) -> Iterator[Callable[..., Flask]]:
    """Return a function that creates an application with other settings.

    It uses the transaction of the test. The logger is global, so it is reset afterwards.
    """

    def make(**changes) -> Flask:
        made = notes.register(create_app(dataclasses.replace(settings, **changes)))
        for name in ("database", "sessions"):
            made.extensions[name] = app.extensions[name]
        return made

    yield make
    logging.configure(settings)


@pytest.fixture
def limited(make_app) -> Callable[..., ApiClient]:
    """Return a function that creates a client with new counters and other rate limits."""
    return lambda **rates: ApiClient(make_app(**rates))


@pytest.fixture
def rows(session) -> Callable[[], dict]:
    """Return a function that reads all rows of the database."""

    def read() -> dict:
        tables = [*Base.metadata.sorted_tables, notes.Note.__table__]
        return {
            table.name: session.execute(select(table).order_by(*table.primary_key)).all()
            for table in tables
        }

    return read


@pytest.fixture
def seen(own_engine):
    """Return a function that runs a query on another connection, and returns its rows."""

    def read(sql):
        with own_engine.connect() as connection:
            return connection.execute(text(sql)).all()

    return read


@pytest.fixture
def check_rejected(as_user, rows) -> Callable[..., TestResponse]:
    """Return a function that posts a note, and checks the error and that no row was written."""

    def post(status: int, data: bytes | None, **options) -> TestResponse:
        before = rows()
        options = {"content_type": "application/json", **options}
        response = as_user.post("/api/notes", data=data, **options)
        assert response.status_code == status, response.text
        assert rows() == before
        return response

    return post
