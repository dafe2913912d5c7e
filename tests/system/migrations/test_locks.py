"""Migrations while transactions run: retries when a table is locked, and timeouts."""

import time

import pytest
from alembic import command
from sqlalchemy import text

from tests.support.migrations import alembic

MIGRATION_LOCK = 7_205_759
WAITS_FOR_A_TABLE = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'relation'"""


def wait_until(engine, question):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            if connection.scalar(text(question)):
                return
        time.sleep(0.02)
    raise AssertionError(question)


class TestTraffic:
    """A transaction reads a table that the migration changes."""

    @pytest.fixture
    def reader(self, engine, config):
        command.upgrade(config, "head")
        with engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM sessions"))
            yield connection

    def test_migration_retries_its_lock_and_does_not_block_reads(self, url, engine, newer, reader):
        process = alembic(url, "upgrade", "head", cwd=newer)

        wait_until(engine, WAITS_FOR_A_TABLE)
        with engine.connect() as other:
            other.execute(text("SET LOCAL lock_timeout = '2s'"))  # the setting of requests
            assert other.scalar(text("SELECT count(*) FROM sessions")) == 0
        reader.rollback()

        output = process.communicate(timeout=120)[0]
        assert process.returncode == 0, output
        assert "retrying" in output

    def test_failed_migration_names_the_blocking_process(self, url, newer, reader):
        blocker = reader.scalar(text("SELECT pg_backend_pid()"))
        process = alembic(url, "-x", "retry_seconds=0", "upgrade", "head", cwd=newer)

        output = process.communicate(timeout=120)[0]

        assert process.returncode == 1
        assert "The migration failed" in output
        assert f"pid {blocker}" in output
        assert "Traceback" not in output

    def test_timeouts_of_requests_do_not_apply(self, url, engine):
        with engine.connect() as connection:
            name = connection.scalar(text("SELECT current_database()"))
            for timeout in ("statement_timeout", "lock_timeout"):
                connection.execute(text(f"ALTER DATABASE {name} SET {timeout} = '100ms'"))
            connection.commit()
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            process = alembic(url, "upgrade", "head")
            assert "waiting for it" in process.stdout.readline()

        output = process.communicate(timeout=120)[0]
        assert process.returncode == 0, output
