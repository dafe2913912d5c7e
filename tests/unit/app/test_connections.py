"""Parameters of connections to PostgreSQL, for the service and for migrations."""

import dataclasses
import secrets
from contextlib import contextmanager

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app.db.database import make_engine
from app.db.readiness import find_fault
from app.db.schema_version import alembic_config

ENCODINGS = ["SQL_ASCII", "LATIN1"]


def with_query(url, **query):
    return make_url(url).update_query_dict(query).render_as_string(hide_password=False)


@pytest.fixture
def connect(settings):
    """Open a connection of the service whose URL has these parameters too."""

    @contextmanager
    def connect(**query):
        url = with_query(settings.database_url, **query)
        engine = make_engine(dataclasses.replace(settings, database_url=url))
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    return connect


@pytest.fixture
def migrate():
    def migrate(url):
        config = alembic_config()
        config.attributes["url"] = url
        command.upgrade(config, "head")

    return migrate


def show(connection, name):
    return connection.scalar(text(f"SHOW {name}"))


@pytest.mark.unpooled
class TestURL:
    def test_options_are_added_to_those_of_the_service(self, connect):
        with connect(options="-csearch_path=shop -c jit=off") as connection:
            assert show(connection, "search_path") == "shop"
            assert show(connection, "jit") == "off"
            assert show(connection, "statement_timeout") == "5s"
            assert show(connection, "TimeZone") == "UTC"

    def test_application_name_of_the_url_is_used(self, connect):
        with connect(application_name="shop") as connection:
            assert show(connection, "application_name") == "shop"

    @pytest.mark.parametrize("name", ["connect_timeout", "keepalives_idle", "tcp_user_timeout"])
    def test_timeouts_of_the_url_are_used(self, connect, name):
        with connect(**{name: "7"}) as connection:
            driver = connection.connection.driver_connection

            assert driver.info.dsn_parameters[name] == "7"

    @pytest.mark.parametrize("given", ["url", "environment"])
    def test_service_and_migrations_use_the_same_schema(
        self, settings, new_database, migrate, given, monkeypatch
    ):
        url = new_database()
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA shop"))
        engine.dispose()
        if given == "url":
            url = with_query(url, options="-csearch_path=shop")
        else:
            monkeypatch.setenv("PGOPTIONS", "-csearch_path=shop")

        migrate(url)

        engine = make_engine(dataclasses.replace(settings, database_url=url))
        with Session(engine) as session:
            assert find_fault(session) == ""
            schema = session.scalar(text("SELECT CAST('alembic_version' AS regclass)::text"))
            assert schema == "alembic_version"
        engine.dispose()


@pytest.mark.parametrize("pooler", [False, True], ids=["direct", "pooler"])
@pytest.mark.parametrize("zone", ["CET", "America/New_York", "UTC"])
def test_sessions_are_in_utc_regardless_of_pgtz(settings, zone, pooler, monkeypatch):
    monkeypatch.setenv("PGTZ", zone)
    engine = make_engine(dataclasses.replace(settings, database_pooler=pooler))

    with engine.connect() as connection:
        assert show(connection, "TimeZone") == "UTC"
        text_ = connection.scalar(text("SELECT to_json(now())::text"))
        connection.rollback()
        assert show(connection, "TimeZone") == "UTC"
    engine.dispose()

    assert text_.endswith('+00:00"')


class TestEncoding:
    @pytest.fixture(params=ENCODINGS)
    def other(self, request, postgres_url):
        """Create a database with another encoding, and yield its URL."""
        server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
        name = f"test_{secrets.token_hex(6)}"
        made = f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C' ENCODING '{request.param}'"
        with server.connect() as connection:
            connection.execute(text(made))
            yield postgres_url.set(database=name).render_as_string(hide_password=False)
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()

    @pytest.mark.unpooled
    def test_other_encoding_is_not_migrated(self, other, migrate):
        with pytest.raises(SystemExit, match="ENCODING 'UTF8'"):
            migrate(other)

    @pytest.mark.parametrize("name", ["é", "Łódź", "東京", "🙂"])
    def test_text_is_utf8_regardless_of_the_environment(self, connect, name, monkeypatch):
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")

        with connect() as connection:
            assert show(connection, "client_encoding") == "UTF8"
            assert connection.scalar(text("SELECT CAST(:name AS text)"), {"name": name}) == name
