"""Fixtures: a PostgreSQL server for one module, which tests may stop; a browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from app.db.schema_version import alembic_config
from tests.support.erasures import Person
from tests.support.servers import served
from tools import embedded
from tools.browser import chromium


@pytest.fixture(scope="module")
def own_data():
    """Return the data folder of the server."""
    # Not in tmp_path: pytest makes that folder private, and PostgreSQL may run as another user.
    with TemporaryDirectory() as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="module")
def own_database_url(own_data):
    """Return the URL of a database of this server, at the newest migration."""
    with embedded.postgres(own_data) as given:
        url = make_url(given).set(drivername="postgresql+psycopg2")
        url = url.render_as_string(hide_password=False)
        config = alembic_config()
        config.attributes["url"] = url
        command.upgrade(config, "head")
        yield url


@pytest.fixture
def browser():
    """Return a Chromium that can only connect to this machine."""
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def single(new_database, migrated_url):
    """Run the service with one worker process."""
    url = new_database(make_url(migrated_url).database)
    with served(url, GUNICORN_CMD_ARGS="-w 1") as server:
        yield server


@pytest.fixture
def server_engine(server):
    """Return an engine of the database of the service."""
    engine = create_engine(server.environment["DATABASE_URL"])
    yield engine
    engine.dispose()


@pytest.fixture
def new_person(server) -> Iterator[Callable[[], Person]]:
    """Return a function that registers a person with the service."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Person(server)))


@pytest.fixture
def person(new_person) -> Person:
    return new_person()
