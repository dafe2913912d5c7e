"""Migrations: they make what the models say, go both ways, and may be run by many at once."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.orm import Session

from app.db.schema_version import alembic_config
from models.api_keys import APIKey
from models.base import Base
from models.idempotency import IdempotencyKey
from models.sessions import AuthSession
from models.users import User
from tests.support.checkouts import copied
from tests.support.migrations import check_downgrades, contents
from tests.support.servers import BASE, ROOT

REPLICAS, ROUNDS = 6, 3
MIGRATION_LOCK = 7_205_759
WAITS_FOR_A_TABLE = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'relation'"""
USERS = 3
NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)


@pytest.fixture
def url(new_database):
    """An empty database."""
    return new_database()


@pytest.fixture
def engine(url):
    engine = create_engine(url, poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def config(url):
    config = alembic_config()
    config.attributes["url"] = url
    return config


def load(engine):
    """Create rows of each table that every service has."""
    with Session(engine) as session, session.begin():
        for n in range(USERS):
            user = User(email=f"user{n}@example.com", password_hash="x")
            session.add(user)
            session.flush()
            session.add(AuthSession(user_id=user.id, token_hash=b"x", expires_at=NEXT_YEAR))
            session.add(IdempotencyKey(user_id=user.id, key="k", fingerprint=b"x"))
            key = {"user_id": user.id, "created_by": user.id, "name": "k", "scopes": ["profile"]}
            session.add(APIKey(**key, digest=user.id.encode()))


def alembic(url, *args, cwd=ROOT):
    """Start an `alembic` that has nothing but DATABASE_URL."""
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", *args],
        cwd=cwd,
        env=BASE | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_until(engine, question):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            if connection.scalar(text(question)):
                return
        time.sleep(0.02)
    raise AssertionError(question)


def upgrade_at_once(url, cwd=ROOT):
    replicas = [alembic(url, "upgrade", "head", cwd=cwd) for _ in range(REPLICAS)]
    outputs = [replica.communicate(timeout=60)[0] for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0] * REPLICAS, outputs


CATALOGUE = """
    SELECT 'column', table_name, concat_ws(' ', column_name, udt_name, character_maximum_length,
        is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'constraint', CAST(CAST(conrelid AS regclass) AS text),
        concat_ws(' ', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = CAST('public' AS regnamespace)
    UNION ALL
    SELECT 'index', tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"""


def catalogue(engine):
    """All that PostgreSQL knows of the tables, but for Alembic's own."""
    with engine.connect() as connection:
        rows = connection.execute(text(CATALOGUE)).all()
    return {tuple(row) for row in rows if row[1] != "alembic_version"}


class TestModels:
    def test_migrations_make_what_the_models_say(self, engine, config):
        command.upgrade(config, "head")

        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, Base.metadata) == []

    def test_columns_constraints_and_indexes_are_those_of_the_models(
        self, engine, config, new_database
    ):
        """Alembic compares no CHECK, no action of a foreign key and no predicate of an index."""
        command.upgrade(config, "head")
        other = create_engine(new_database(), poolclass=NullPool)
        Base.metadata.create_all(other)

        assert catalogue(engine) - catalogue(other) == set()
        assert catalogue(other) - catalogue(engine) == set()

    def test_there_is_one_head(self, config):
        assert len(ScriptDirectory.from_config(config).get_heads()) == 1


class TestDowngrade:
    def test_every_migration_goes_down_and_up_again_and_keeps_the_rows(self, engine, config):
        check_downgrades(engine, config, load)


class TestReplicas:
    @pytest.fixture
    def outdated(self, engine, config):
        """A database with rows, that lacks the newest migration."""
        command.upgrade(config, "head")
        load(engine)
        command.downgrade(config, "-1")

    @pytest.mark.parametrize("_", range(ROUNDS))
    def test_six_at_once_on_an_empty_database_all_succeed(self, url, engine, _):
        upgrade_at_once(url)

        assert "users" in contents(engine)

    @pytest.mark.usefixtures("outdated")
    @pytest.mark.parametrize("_", range(ROUNDS))
    def test_six_at_once_on_a_database_with_rows_all_succeed(self, url, engine, _):
        upgrade_at_once(url)

        assert len(contents(engine)["users"]["id"]) == USERS


class TestTraffic:
    """A table that the migration changes is being read, for as long as the test wants."""

    @pytest.fixture
    def reader(self, engine, config):
        command.upgrade(config, "0003")  # which changes sessions, whatever comes after it
        with engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM sessions"))
            yield connection

    def test_migration_retries_its_lock_and_does_not_block_reads(self, url, engine, reader):
        process = alembic(url, "downgrade", "-1")

        wait_until(engine, WAITS_FOR_A_TABLE)
        with engine.connect() as other:
            other.execute(text("SET LOCAL lock_timeout = '2s'"))  # as requests have it
            assert other.scalar(text("SELECT count(*) FROM sessions")) == 0
        reader.rollback()

        output = process.communicate(timeout=60)[0]
        assert process.returncode == 0, output
        assert "retrying" in output

    def test_migration_that_gives_up_says_what_it_waited_for(self, url, reader):
        blocker = reader.scalar(text("SELECT pg_backend_pid()"))
        process = alembic(url, "-x", "retry_seconds=0", "downgrade", "-1")

        output = process.communicate(timeout=60)[0]

        assert process.returncode == 1
        assert "The migration failed" in output
        assert f"pid {blocker}" in output
        assert "Traceback" not in output

    def test_timeouts_of_requests_are_not_those_of_migrations(self, url, engine):
        with engine.connect() as connection:
            name = connection.scalar(text("SELECT current_database()"))
            for timeout in ("statement_timeout", "lock_timeout"):
                connection.execute(text(f"ALTER DATABASE {name} SET {timeout} = '100ms'"))
            connection.commit()
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            process = alembic(url, "upgrade", "head")
            assert "waiting for it" in process.stdout.readline()

        output = process.communicate(timeout=60)[0]
        assert process.returncode == 0, output


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
    """A copy of the project with a migration that has an autocommit block."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with copied() as copy:
        path = copy / "alembic/versions/c0ffee_users_by_name.py"
        path.write_text(CONCURRENTLY.format(head=head))
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

    def test_goes_down_again(self, url, engine, checkout):
        for args in (("upgrade", "head"), ("downgrade", "-1")):
            process = alembic(url, *args, cwd=checkout)
            output = process.communicate(timeout=60)[0]
            assert process.returncode == 0, output

        with engine.connect() as connection:
            assert connection.scalar(text("SELECT to_regclass('ix_users_name')")) is None


class TestCommandLine:
    def test_without_database_url_it_says_so(self, url):
        process = alembic("", "current")

        output = process.communicate(timeout=60)[0]
        assert process.returncode != 0
        assert "DATABASE_URL" in output.splitlines()[-1]

    def test_current_is_the_head_after_an_upgrade(self, url, config):
        command.upgrade(config, "head")

        process = alembic(url, "current")

        assert "(head)" in process.communicate(timeout=60)[0]
        assert process.returncode == 0
