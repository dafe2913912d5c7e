"""Fixtures: PostgreSQL and Valkey servers, and databases at the newest migration."""

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import psycopg2
import pytest
from alembic import command
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.engine import make_url

from app.db.schema_version import alembic_config
from tests.support import notes
from tests.support.pgbouncer import pgbouncer, pooled
from tools import embedded

DATA = Path(__file__).parents[2] / ".data"
UNSAFE = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "SELECT pg_reload_conf()",
)
DISCONNECT = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :database"
)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[URL]:
    """Return the URL of the PostgreSQL server: TEST_DATABASE_URL, or an embedded server."""
    given = os.environ.get("TEST_DATABASE_URL")
    with nullcontext(given) if given else embedded_postgres() as url:
        yield make_url(url).set(drivername="postgresql+psycopg2")


@contextmanager
def embedded_postgres() -> Iterator[str]:
    """Run a PostgreSQL server without fsync, because the data of tests need no crash safety."""
    with embedded.postgres(DATA / f"test-postgres-{embedded.version}") as url:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            for statement in UNSAFE:
                connection.cursor().execute(statement)
        yield url


@pytest.fixture(scope="session")
def pooler_url(request, postgres_url) -> Iterator[URL]:
    """Return the URL for the service and its migrations: of PgBouncer, or of PostgreSQL."""
    if request.config.option.pgbouncer:
        with pgbouncer(postgres_url) as url:
            yield url
    else:
        yield postgres_url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with embedded.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def new_database(postgres_url, pooler_url) -> Iterator:
    """Return a function that creates a database from a template, and returns its URL."""
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def make(template: str = "template1") -> str:
        name = f"test_{secrets.token_hex(6)}"
        with server.connect() as connection:
            connection.execute(
                DISCONNECT, {"database": template}
            )  # PgBouncer keeps idle connections
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        made.append(name)
        return pooler_url.set(database=name).render_as_string(hide_password=False)

    yield make
    with server.connect() as connection:
        for name in made:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(scope="session")
def migrated_url(new_database, postgres_url) -> str:
    """Return the URL of an empty database at the newest migration, with the table `notes`.

    This database is the template of other databases, so no connection to it may stay open.
    """
    url = new_database()
    config = alembic_config()
    own = postgres_url.set(database=make_url(url).database)
    config.attributes["url"] = own.render_as_string(hide_password=False)
    command.upgrade(config, "head")
    notes.create_table(own)
    return url


@pytest.fixture
def own_engine(new_database, migrated_url) -> Iterator[Engine]:
    """Return an engine of a new database, where several connections see each other's commits."""
    url = new_database(make_url(migrated_url).database)
    # A test that waits for a lock fails after 5 s instead of hanging.
    options = {} if pooled(url) else {"options": "-c lock_timeout=5s"}
    engine = create_engine(url, connect_args=options)
    yield engine
    engine.dispose()
