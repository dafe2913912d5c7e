"""Shared fixtures: one migrated PostgreSQL; each test rolls its transaction back.

`--postgres=15` selects another version of PostgreSQL, `--pgbouncer` connects through PgBouncer.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from flask import Flask
from loguru import logger
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from app import create_app
from app.auth.limits import limiter
from app.db import readiness
from app.db.schema_version import alembic_config
from app.settings import Settings
from models.users import Role, User
from services import passwords
from tests.support import notes
from tests.support.clients import ApiClient
from tests.support.factories import CHEAP_HASHER, UserFactory, use_session
from tests.support.openapi import Operation, operations_of
from tests.support.pgbouncer import pgbouncer, pooled
from tests.support.servers import Server, served
from tools import embedded

DATA = Path(__file__).parent.parent / ".data"
LEAVE = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :database"
)
PLENTY = "1000000 per minute"
SECRET_KEY = "a secret that only tests know, 32 bytes and more"


def pytest_addoption(parser) -> None:
    parser.addoption("--postgres", type=int, help="the version of PostgreSQL")
    parser.addoption("--pgbouncer", action="store_true", help="connect through PgBouncer")


def pytest_configure(config) -> None:
    if config.option.postgres:
        embedded.choose(config.option.postgres)


def pytest_collection_modifyitems(config, items) -> None:
    skip = pytest.mark.skip(reason="needs session state, which PgBouncer does not keep")
    for item in items if config.option.pgbouncer else ():
        if item.get_closest_marker("unpooled"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[URL]:
    """Return the URL of the PostgreSQL server: TEST_DATABASE_URL, or an embedded server."""
    data = DATA / f"test-postgres-{embedded.version}"
    with ExitStack() as stack:
        given = os.environ.get("TEST_DATABASE_URL") or stack.enter_context(embedded.postgres(data))
        yield make_url(given).set(drivername="postgresql+psycopg2")


@pytest.fixture(scope="session")
def pooler_url(request, postgres_url) -> Iterator[URL]:
    """Return the URL for the service and its migrations: PgBouncer's, or PostgreSQL's."""
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
            connection.execute(LEAVE, {"database": template})  # PgBouncer keeps idle connections
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

    It is the template of other databases, so no connection to it may stay open.
    """
    url = new_database()
    config = alembic_config()
    config.attributes["url"] = postgres_url.set(database=make_url(url).database)
    command.upgrade(config, "head")
    notes.create_table(config.attributes["url"])
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


@pytest.fixture(scope="session")
def settings(new_database, migrated_url) -> Settings:
    url = new_database(make_url(migrated_url).database)
    return Settings(
        flask_env="testing",
        secret_key=SECRET_KEY,
        database_url=url,
        database_pooler=pooled(url),
        log_level="WARNING",
        rate_limit_default=PLENTY,
        rate_limit_api_key=PLENTY,
        rate_limit_login=PLENTY,
        rate_limit_login_account=PLENTY,
        rate_limit_login_address=PLENTY,
        rate_limit_password=PLENTY,
        rate_limit_register=PLENTY,
    )


@pytest.fixture(scope="session")
def application(settings) -> Flask:
    """Return the application with the test resource `notes`."""
    return notes.register(create_app(settings))


@pytest.fixture(scope="session")
def engine(application) -> Engine:
    engine = application.extensions["database"]
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine) -> Iterator[Connection]:
    """Return a connection in a transaction that is rolled back after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture(autouse=True)
def cheap_hashes(request, monkeypatch) -> None:
    """Use the cheapest argon2 parameters, except with `real_hashes`."""
    if "real_hashes" not in request.fixturenames:
        monkeypatch.setattr(passwords, "_hasher", CHEAP_HASHER)


@pytest.fixture
def real_hashes() -> None:
    """Use the argon2 parameters of production."""


@pytest.fixture
def app(application, connection, monkeypatch) -> Flask:
    """Return the application; its commits release savepoints of the test's transaction."""

    sessions = sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )
    monkeypatch.setitem(application.extensions, "sessions", sessions)
    readiness.init_app(application)  # clear the cached result
    limiter.init_app(application)  # reset the counters
    return application


@pytest.fixture
def session(connection) -> Iterator[Session]:
    """Return a session to create and read rows; factories use it too."""
    with Session(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    ) as session:
        use_session(session)
        yield session


@pytest.fixture
def use_engine(app, monkeypatch) -> Callable[[Engine], None]:
    """Return a function that makes the application use another engine."""

    def use(engine: Engine) -> None:
        monkeypatch.setitem(app.extensions, "sessions", sessionmaker(engine))

    return use


@pytest.fixture
def no_database(use_engine) -> None:
    """Make PostgreSQL unavailable."""
    use_engine(create_engine("postgresql+psycopg2://unknown@127.0.0.1:1/nowhere"))


@pytest.fixture
def client(app) -> ApiClient:
    """Return an anonymous client."""
    return ApiClient(app)


@pytest.fixture
def user(session) -> User:
    return UserFactory()


@pytest.fixture
def admin(session) -> User:
    return UserFactory(role=Role.ADMIN)


@pytest.fixture
def as_user(app, user) -> ApiClient:
    """Return a client signed in as `user`."""
    return ApiClient(app).signed_in(user)


@pytest.fixture
def as_admin(app, admin) -> ApiClient:
    """Return a client signed in as `admin`."""
    return ApiClient(app).signed_in(admin)


@pytest.fixture
def clock(monkeypatch) -> Callable[[float], None]:
    """Return a function that moves `time.time` forward by a number of seconds."""
    now, offset = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + offset[0])

    def move(seconds: float) -> None:
        offset[0] += seconds

    return move


@pytest.fixture
def logged(app) -> Iterator[list]:
    """Collect the warnings and errors that the application logs, as loguru records."""
    records = []
    sink = logger.add(lambda message: records.append(message.record), level="WARNING")
    yield records
    logger.remove(sink)


@pytest.fixture
def during_get(monkeypatch) -> Callable[[Callable], None]:
    """Return a function that replaces the service call of `GET /api/notes/{id}`."""

    def replace(action: Callable[[Session], object]) -> None:
        monkeypatch.setattr(notes, "get_note", lambda session, _: action(session))

    return replace


@pytest.fixture(scope="session")
def server(new_database, migrated_url, redis_url) -> Iterator[Server]:
    """Run the service with gunicorn, two workers and Redis; shared by all tests."""
    url = new_database(make_url(migrated_url).database)
    with served(url, REDIS_URL=redis_url) as server:
        yield server


@pytest.fixture(scope="session")
def shipped(settings) -> Flask:
    """Return the application without the test resource `notes`."""
    return create_app(settings)


@pytest.fixture(scope="session")
def document(shipped) -> dict[str, Any]:
    """Return the OpenAPI document, as clients get it."""
    return shipped.test_client().get("/api/openapi.json").json


@pytest.fixture(scope="session")
def operations(document) -> list[Operation]:
    return operations_of(document)
