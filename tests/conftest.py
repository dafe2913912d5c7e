"""Shared fixtures: one migrated PostgreSQL; each test rolls its transaction back.

`--postgres=15` selects another version of PostgreSQL, `--pgbouncer` connects through PgBouncer.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from loguru import logger
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from app import create_app
from app.auth.limits import limiter
from app.db import readiness
from app.settings import Settings
from models.users import Role, User
from services import passwords
from tests.support import notes
from tests.support.clients import ApiClient
from tests.support.factories import CHEAP_HASHER, UserFactory, use_session
from tests.support.openapi import Operation, operations_of
from tests.support.pgbouncer import pooled
from tests.support.servers import Server, served
from tools import embedded

pytest_plugins = ["tests.support.databases"]
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
        rate_limit_new_api_key=PLENTY,
        rate_limit_login=PLENTY,
        rate_limit_login_account=PLENTY,
        rate_limit_login_address=PLENTY,
        rate_limit_password=PLENTY,
        rate_limit_register=PLENTY,
        rate_limit_forgot_password=PLENTY,
        rate_limit_forgot_password_account=PLENTY,
        rate_limit_forgot_password_address=PLENTY,
        rate_limit_mail=PLENTY,
        smtp_url="log:",
        mail_from="Shop <no-reply@example.com>",
        public_url="https://api.example.com",
        rate_limit_second_factor=PLENTY,
        rate_limit_export=PLENTY,
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
