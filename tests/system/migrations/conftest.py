"""Fixtures: an empty database, and the configuration of Alembic for it."""

import pytest
from sqlalchemy import NullPool, create_engine

from app.db.schema_version import alembic_config
from tests.support.next_migration import with_next_migration


@pytest.fixture
def url(new_database):
    """Return the URL of an empty database."""
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


@pytest.fixture(scope="module")
def newer():
    """Yield a copy of the project with one more migration, which changes `sessions`."""
    with with_next_migration() as copy:
        yield copy
