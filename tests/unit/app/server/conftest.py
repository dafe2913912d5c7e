"""Fixtures for tests of connections to PostgreSQL under gevent."""

import pytest
from psycopg2.extensions import set_wait_callback

from app.server import postgres_wait


@pytest.fixture
def wait_callback(monkeypatch):
    """Set the wait callback until the end of the test, with short deadlines."""
    monkeypatch.setattr(postgres_wait, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(postgres_wait, "GRACE_SECONDS", 0)
    set_wait_callback(postgres_wait.wait)
    yield
    set_wait_callback(None)
