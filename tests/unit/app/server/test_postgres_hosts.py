"""Host names of PostgreSQL under gevent: lookup, several addresses and failover."""

import dataclasses
import socket

import gevent
import pytest
from psycopg2 import OperationalError as DriverError
from sqlalchemy.exc import OperationalError

from app.db.database import make_engine
from app.errors.handlers import from_exception
from app.server import postgres_wait
from tests.support.silent_postgres import ENDS, WELCOME, silent

pytestmark = pytest.mark.usefixtures("wait_callback")


class TestHost:
    @pytest.fixture
    def resolved(self, monkeypatch):
        """The parameters of libpq, where a name has two addresses."""
        found = [(socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)), (2, 1, 6, "", ("127.0.0.1", 0))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        def resolved(**parameters):
            postgres_wait.resolve_host(None, None, [], parameters)
            return parameters

        return resolved

    def test_libpq_gets_all_addresses_of_a_name_and_the_name(self, resolved):
        assert resolved(host="db", port=5432) == {
            "host": "db,db",
            "hostaddr": "::1,127.0.0.1",
            "port": 5432,
        }

    def test_each_address_of_several_hosts_has_the_name_and_port_of_its_host(self, resolved):
        assert resolved(host="one,two", port="1,2") == {
            "host": "one,one,two,two",
            "hostaddr": "::1,127.0.0.1,::1,127.0.0.1",
            "port": "1,1,2,2",
        }

    def test_unknown_host_is_skipped(self, monkeypatch):
        def look_up(host, *_, **__):
            if host == "gone":
                raise socket.gaierror("unknown")
            return [(2, 1, 6, "", ("127.0.0.1", 0))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        parameters = {"host": "gone,db", "port": "1,2"}

        postgres_wait.resolve_host(None, None, [], parameters)

        assert parameters == {"host": "db", "hostaddr": "127.0.0.1", "port": "2"}

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"host": "/run/postgresql"},
            {"host": "@abstract"},
            {"host": "/one,/two", "port": "1,2"},
            {"host": "db", "hostaddr": "10.0.0.1"},
        ],
    )
    def test_other_parameters_do_not_change(self, resolved, parameters):
        assert resolved(**parameters) == parameters

    def test_connects_by_name(self, settings):
        with silent(WELCOME) as (url, end):
            by_name = dataclasses.replace(
                settings, database_url=url.replace("@127.0.0.1", "@localhost")
            )
            engine = make_engine(by_name)
            postgres_wait.init_engine(engine, by_name)
            with pytest.raises(OperationalError, match="did not respond"):
                engine.connect()
            assert end.result() in ENDS

    def test_host_that_refuses_connections_is_skipped(self, settings):
        with silent(WELCOME) as (url, end):
            several = dataclasses.replace(
                settings,
                database_url=url.replace(
                    "@127.0.0.1:", "@/a?host=127.0.0.1,localhost&port=1,"
                ).replace("/a?sslmode", "&sslmode"),
            )
            engine = make_engine(several)
            postgres_wait.init_engine(engine, several)
            with pytest.raises(OperationalError, match="did not respond"):
                engine.connect()
            assert end.result() in ENDS

    def test_unknown_name_returns_503(self, settings, app):
        unknown = dataclasses.replace(
            settings, database_url="postgresql+psycopg2://a@nowhere.invalid/a"
        )
        engine = make_engine(unknown)
        postgres_wait.init_engine(engine, unknown)
        with pytest.raises(OperationalError) as caught:
            engine.connect()

        with app.test_request_context():
            assert from_exception(caught.value).status_code == 503

    def test_lookup_has_a_deadline(self, monkeypatch):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gevent.sleep(30))
        with pytest.raises(DriverError, match="lookup of db took more than"):
            postgres_wait.resolve_host(None, None, [], {"host": "db"})
