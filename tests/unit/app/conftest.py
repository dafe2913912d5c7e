"""Fixtures for tests of the parts of `app`."""

import pytest
from sqlalchemy import text

from app.db.database import make_engine


@pytest.fixture
def with_numbers(settings):
    """Return an engine of the service, with a table `numbers`: 1, 2 and 3."""
    engine = make_engine(settings)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers AS SELECT generate_series(1, 3) AS n"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE numbers"))
    engine.dispose()
