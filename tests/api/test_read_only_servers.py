"""Read-only servers, such as the old primary after a failover."""

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.db.database import make_engine
from models.users import USER_ID
from tests.support.api_keys import new_key, using
from tests.support.notes import Note

pytestmark = pytest.mark.unpooled
NOTE = {"title": "New"}


@pytest.fixture
def admin_connection(new_database, migrated_url):
    """Return a connection to a new database that can write also if the default is read-only."""
    engine = create_engine(
        new_database(make_url(migrated_url).database), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def own_url(admin_connection):
    return admin_connection.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def service(use_engine, settings, own_url):
    """Return the application on that database, with an engine of the service."""
    engine = make_engine(replace(settings, database_url=own_url))
    use_engine(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def read_only(admin_connection):
    """Return a function that makes new connections read-only or writable."""
    name = admin_connection.scalar(text("SELECT current_database()"))

    def switch(value):
        admin_connection.execute(
            text(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        )

    return switch


@pytest.fixture
def author(client, service):
    account = {"email": "author@example.com", "password": "correct horse battery"}
    assert client.post("/api/auth/register", json=account).status_code == 201
    client.tokens = client.post("/api/auth/login", json=account).json
    return client


def create_note(client):
    return client.post("/api/notes", json=NOTE)


def test_write_returns_503_with_retry_after_while_the_primary_is_read_only(
    author, service, read_only
):
    read_only("on")
    service.dispose()

    response = create_note(author)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


def test_first_write_succeeds_after_the_primary_is_writable(author, service, read_only):
    read_only("on")
    service.dispose()
    assert create_note(author).status_code == 503

    read_only("off")

    assert create_note(author).status_code == 201


def test_pooled_connections_to_a_former_primary_cost_no_error(author, service, read_only):
    read_only("on")
    service.dispose()
    assert author.get("/api/notes/mine").status_code == 200  # its connection stays in the pool
    read_only("off")

    assert create_note(author).status_code == 201


def test_read_with_an_api_key_keeps_the_connections(author, service, read_only, logged):
    as_key = using(author.application, new_key(author)["key"])
    read_only("on")
    service.dispose()
    pool = service.pool

    assert as_key.get("/api/users/me").status_code == 200

    assert service.pool is pool
    assert logged == []


def test_readiness_returns_503_while_the_primary_is_read_only(client, service, read_only):
    read_only("on")
    service.dispose()

    response = client.get("/api/health/ready")

    assert response.status_code == 503
    assert "read-only" in response.json["detail"]


def test_readiness_drops_the_connections_to_a_former_primary(
    client, service, read_only, monkeypatch
):
    monkeypatch.setattr("app.db.readiness.CACHE_SECONDS", 0)
    read_only("on")
    service.dispose()
    assert client.get("/api/health/ready").status_code == 503
    read_only("off")

    assert client.get("/api/health/ready").status_code == 200
    with service.begin() as connection:
        note = {"user_id": USER_ID.new(), "title": "New"}
        connection.execute(Note.__table__.insert(), note)
