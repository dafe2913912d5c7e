"""Migrations: they make what the models say, go both ways, and may be run by many at once."""

import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect, text
from sqlalchemy.orm import Session

from app.schema_version import alembic_config
from models import Base
from services import demo
from tests.servers import BASE, ROOT

REPLICAS = 6
SIZES = demo.Sizes(users=3, products=4, orders=12)


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
    with Session(engine) as session:
        demo.load(session, SIZES, "user{n}@example.com", "long enough", accounts=True)
        session.commit()


def alembic(url, *args):
    """Start an `alembic` that has nothing but DATABASE_URL."""
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", *args],
        cwd=ROOT,
        env=BASE | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def upgrade_at_once(url):
    replicas = [alembic(url, "upgrade", "head") for _ in range(REPLICAS)]
    outputs = [replica.communicate(timeout=60)[0] for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0] * REPLICAS, outputs


def columns(engine):
    """The columns of all tables but Alembic's own."""
    inspector = inspect(engine)
    return {
        table: [(column["name"], str(column["type"])) for column in inspector.get_columns(table)]
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


class TestModels:
    def test_migrations_make_what_the_models_say(self, engine, config):
        command.upgrade(config, "head")

        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, Base.metadata) == []

    def test_there_is_one_head(self, config):
        assert len(ScriptDirectory.from_config(config).get_heads()) == 1


class TestDowngrade:
    def test_every_migration_goes_down_and_up_again_with_rows(self, engine, config):
        command.upgrade(config, "head")
        load(engine)
        newest = columns(engine)

        for script in ScriptDirectory.from_config(config).walk_revisions():
            command.downgrade(config, script.down_revision or "base")
            command.upgrade(config, script.revision)
            command.downgrade(config, script.down_revision or "base")

        assert columns(engine) == {}
        command.upgrade(config, "head")
        assert columns(engine) == newest
        load(engine)


class TestReplicas:
    def test_six_at_once_on_an_empty_database_all_succeed(self, url, engine):
        upgrade_at_once(url)

        assert "orders" in columns(engine)

    def test_six_at_once_on_a_database_with_rows_all_succeed(self, url, engine, config):
        command.upgrade(config, "head")
        load(engine)

        upgrade_at_once(url)

        with engine.connect() as connection:
            orders = connection.execute(text("SELECT count(*) FROM orders")).scalar()
        assert orders == SIZES.orders


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
