"""psycopg2 under gevent: wait callback, deadlines and DNS.

libpq blocks the whole process, and with it all requests, unless psycopg2 has a wait callback. The
callback is also the only deadline while PostgreSQL is frozen: PostgreSQL cannot end the statement
by itself then, and libpq ignores `connect_timeout` in this mode.
"""

import socket
import time
from typing import Any
from weakref import WeakKeyDictionary

from flask import Flask
from gevent import Timeout
from gevent.socket import wait_read, wait_write
from psycopg2 import OperationalError
from psycopg2.extensions import POLL_OK, POLL_READ, set_wait_callback
from sqlalchemy import Engine, event

from app.db.database import GRACE_SECONDS
from app.db.replica import replica_settings
from app.settings import Settings

CONNECT_SECONDS = 3.0
CONNECTION_OK, CONNECTION_BAD = 0, 1  # of libpq
# How long a statement may take, by connection. A connection that is being opened is not in here.
statement_seconds: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


def init_app(app: Flask) -> None:
    """Make all connections of `app` cooperate with gevent, in this process."""
    settings: Settings = app.extensions["settings"]
    set_wait_callback(wait)
    init_engine(app.extensions["database"], settings)
    if replica := app.extensions["replica"]:
        init_engine(replica.engine, replica_settings(settings))


def init_engine(engine: Engine, settings: Settings) -> None:
    seconds = settings.database_statement_timeout / 1000 + GRACE_SECONDS

    def set_deadline(connection: Any, _record: Any) -> None:
        statement_seconds[connection] = seconds

    event.listen(engine, "connect", set_deadline)
    event.listen(engine, "do_connect", resolve_host)


def wait(connection: Any) -> None:
    """Wait for PostgreSQL until libpq has the result; other greenlets run meanwhile.

    Raises:
        OperationalError: PostgreSQL does not answer in time; the connection is closed.
    """
    seconds = statement_seconds.get(connection, CONNECT_SECONDS)
    late = OperationalError(f"PostgreSQL did not answer within {seconds:g} seconds.")
    deadline = time.monotonic() + seconds
    try:
        while (state := connection.poll()) != POLL_OK:
            wait_for = wait_read if state == POLL_READ else wait_write
            wait_for(connection.fileno(), max(deadline - time.monotonic(), 0), late)
    except BaseException:
        # psycopg2 closes a connection that is open or lost. It holds its lock for that, and `close`
        # would deadlock. One that is still connecting is left to us.
        if connection.info.status not in {CONNECTION_OK, CONNECTION_BAD}:
            connection.close()
        raise


def resolve_host(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
    """Pass the addresses of a host on to libpq, whose own lookup would block all greenlets.

    libpq tries the addresses in turn, and still verifies the certificate by the name. It gets lists
    of hosts and folders of sockets as they are.

    Raises:
        OperationalError: the name has no address, or the lookup takes too long.
    """
    host = parameters.get("host") or "/"
    if host.startswith(("/", "@")) or "," in host or "hostaddr" in parameters:
        return
    late = OperationalError(f"The lookup of {host} took more than {CONNECT_SECONDS:g} seconds.")
    try:
        with Timeout(CONNECT_SECONDS, late):
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OperationalError(f"The host {host} cannot be resolved: {error}") from error
    parameters["host"] = ",".join([host] * len(found))
    parameters["hostaddr"] = ",".join(str(address[0]) for *_, address in found)
