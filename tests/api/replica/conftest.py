"""Fixtures: a primary with a real streaming replica, and the service that uses both."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from app import create_app
from app.db.replica import Replica
from tests.support import notes
from tests.support.clients import ApiClient
from tests.support.replicas import replicated
from tests.support.replicated_notes import (
    INSERT,
    NOTE_UUID,
    signed_in,
)
from tests.support.waiting import wait_for

SEEN = "SELECT pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn)"
PAUSED = "SELECT pg_get_wal_replay_pause_state() = 'paused'"


@pytest.fixture(scope="package")
def servers():
    """Run a primary with the schema, and its replica."""
    with replicated() as both:
        notes.create_table(both[0].url)
        yield both


@pytest.fixture(scope="package")
def primary(servers):
    servers[0].run(INSERT, id=NOTE_UUID)
    return servers[0]


@pytest.fixture(scope="package")
def replica(servers):
    return servers[1]


@pytest.fixture(scope="package")
def service(primary, replica, settings):
    urls = [each.url.render_as_string(hide_password=False) for each in (primary, replica)]
    changed = replace(
        settings, database_url=urls[0], database_replica_url=urls[1], database_pooler=False
    )
    return notes.register(create_app(changed))


@pytest.fixture
def app(service, monkeypatch):
    """Return the service; no connection to its replica has failed yet."""
    monkeypatch.setitem(
        service.extensions, "replica", Replica(service.extensions["replica"].engine)
    )
    return service


@pytest.fixture
def client(app):
    return ApiClient(app)


@pytest.fixture
def author(app, primary):
    """Return a signed-in client; the replica has replayed all changes."""
    return signed_in(app, primary, "user")


@pytest.fixture
def catch_up(primary, replica):
    def wait():
        position = primary.run("SELECT CAST(pg_current_wal_lsn() AS text)")
        wait_for(lambda: replica.run(SEEN, position=position))

    return wait


@pytest.fixture
def behind(replica, catch_up):
    """Return a context manager that pauses the replica, after it has replayed all changes."""

    @contextmanager
    def block():
        catch_up()
        replica.run("SELECT pg_wal_replay_pause()")
        wait_for(lambda: replica.run(PAUSED))
        try:
            yield
        finally:
            replica.run("SELECT pg_wal_replay_resume()")

    return block
