"""Several hosts of PostgreSQL under gevent: a host without a response has its own deadline."""

import dataclasses
import socket

import pytest
from psycopg2.extensions import set_wait_callback
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from app.db.database import make_engine
from app.server import postgres_wait

pytestmark = pytest.mark.unpooled


@pytest.fixture
def connect(settings, monkeypatch):
    """Return a function that connects to these hosts; 127.0.0.1 never responds."""
    monkeypatch.setattr(postgres_wait, "CONNECT_SECONDS", 0.5)
    set_wait_callback(postgres_wait.wait)

    def connect(*hosts):
        ports = [str(port) if host == "127.0.0.1" else "5432" for host in hosts]
        query = {"host": ",".join(hosts), "port": ",".join(ports)}
        url = make_url(settings.database_url).update_query_dict(query)
        text_ = url.render_as_string(hide_password=False)
        engine = make_engine(dataclasses.replace(settings, database_url=text_))
        postgres_wait.init_engine(engine, settings)
        try:
            with engine.connect() as connection:
                return connection.scalar(text("SELECT 1"))
        finally:
            engine.dispose()

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        yield connect
    set_wait_callback(None)


@pytest.fixture
def socket_folder(settings):
    return make_url(settings.database_url).query["host"]


@pytest.mark.parametrize("count", [1, 2])
def test_next_host_is_used_after_silent_ones(connect, socket_folder, count):
    assert connect(*["127.0.0.1"] * count, socket_folder) == 1


def test_silent_hosts_alone_raise_an_error(connect):
    with pytest.raises(OperationalError, match=r"did not respond within 0\.5 seconds"):
        connect("127.0.0.1", "127.0.0.1")
