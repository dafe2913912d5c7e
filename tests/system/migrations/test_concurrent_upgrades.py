"""Migrations by six replicas at once."""

import pytest
from alembic import command
from sqlalchemy import text

from tests.support.migrations import USERS, alembic, contents, load
from tests.support.next_migration import with_next_migration
from tests.support.servers import ROOT

REPLICAS = 6


def upgrade_at_once(url, cwd=ROOT):
    replicas = [alembic(url, "upgrade", "head", cwd=cwd) for _ in range(REPLICAS)]
    outputs = [replica.communicate(timeout=120)[0] for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0] * REPLICAS, outputs


class TestReplicas:
    @pytest.fixture
    def outdated(self, engine, config):
        """Create rows in a database that lacks the migration of `newer`."""
        command.upgrade(config, "head")
        load(engine)

    def test_six_at_once_on_an_empty_database_all_succeed(self, url, engine):
        upgrade_at_once(url)

        assert "users" in contents(engine)

    @pytest.mark.usefixtures("outdated")
    def test_six_at_once_on_a_database_with_rows_all_succeed(self, url, engine, newer):
        upgrade_at_once(url, newer)

        assert len(contents(engine)["users"]["id"]) == USERS


CONCURRENTLY = '''
"""Index the names of users, without a lock on the table."""

from alembic import op

revision = "c0ffee"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_users_name", "users", ["name"], postgresql_concurrently=True, if_not_exists=True
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_users_name", "users", postgresql_concurrently=True, if_exists=True)
'''
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = CAST('ix_users_name' AS regclass)"


@pytest.fixture(scope="module")
def checkout():
    """Yield a copy of the project with a migration that has an autocommit block."""
    with with_next_migration(CONCURRENTLY) as copy:
        yield copy


class TestAutocommitBlock:
    """A migration can create an index concurrently, which PostgreSQL refuses in a transaction."""

    def test_six_at_once_all_succeed(self, url, engine, config, checkout):
        command.upgrade(config, "head")
        load(engine)

        upgrade_at_once(url, checkout)

        with engine.connect() as connection:
            assert connection.scalar(text(VALID)) is True
            assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "c0ffee"

    def test_downgrade(self, url, engine, checkout):
        for args in (("upgrade", "head"), ("downgrade", "-1")):
            process = alembic(url, *args, cwd=checkout)
            output = process.communicate(timeout=120)[0]
            assert process.returncode == 0, output

        with engine.connect() as connection:
            assert connection.scalar(text("SELECT to_regclass('ix_users_name')")) is None
