"""psycopg2 under gevent: wait callback, deadlines and DNS.

Without a wait callback, libpq blocks all requests of the process. While PostgreSQL is frozen, only
the deadline of the callback works: PostgreSQL does not apply `statement_timeout`, and libpq ignores
`connect_timeout` with a wait callback.
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
from sqlalchemy import Dialect, Engine, event

from app.db.database import GRACE_SECONDS
from app.db.replica import replica_settings
from app.settings import Settings

CONNECT_SECONDS = 3.0
CONNECTION_OK, CONNECTION_BAD = 0, 1  # ConnStatusType of libpq
# Seconds until the deadline of a statement, by connection. There is no entry before the connection
# is open.
statement_seconds: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


def init_app(app: Flask) -> None:
    """Make all connections of `app` in this process cooperate with gevent."""
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
    event.listen(engine, "do_connect", connect)


class NoResponseError(OperationalError):
    """PostgreSQL did not respond in time; `host` is the host that did not respond."""

    def __init__(self, seconds: float, host: str = "") -> None:
        super().__init__(f"PostgreSQL did not respond within {seconds:g} seconds.")
        self.host = host


def connect(dialect: Dialect, _record: Any, args: Any, parameters: dict[str, Any]) -> Any:
    """Connect to the first suitable host; each attempt has a deadline.

    libpq tries the next address only after an error. So this function removes an address that does
    not respond, and connects again.

    Raises:
        OperationalError: no host accepts the connection.
    """
    while True:
        try:
            return dialect.connect(*args, **parameters)
        except NoResponseError as error:
            hosts = str(parameters.get("host", "")).split(",")
            if len(hosts) == 1 or error.host not in hosts:
                raise
            remove_address(parameters, hosts.index(error.host))


def remove_address(parameters: dict[str, Any], index: int) -> None:
    """Remove an address from the comma-separated hosts, addresses and ports."""
    for name in ("host", "hostaddr", "port"):
        values = str(parameters.get(name, "")).split(",")
        if len(values) > 1:
            parameters[name] = ",".join(values[:index] + values[index + 1 :])


def wait(connection: Any) -> None:
    """Wait for PostgreSQL until libpq has the result; other greenlets run meanwhile.

    Raises:
        OperationalError: PostgreSQL does not respond in time; the connection is closed.
    """
    seconds = statement_seconds.get(connection, CONNECT_SECONDS)
    deadline = time.monotonic() + seconds
    try:
        while (state := connection.poll()) != POLL_OK:
            wait_for = wait_read if state == POLL_READ else wait_write
            wait_for(connection.fileno(), max(deadline - time.monotonic(), 0))
    except BaseException as error:
        host = connection.info.host or ""
        # psycopg2 itself closes an open or lost connection after this exception. It still holds
        # the lock of the connection, so `close` would deadlock. It does not close a connection
        # that is still connecting.
        if connection.info.status not in {CONNECTION_OK, CONNECTION_BAD}:
            connection.close()
        if isinstance(error, TimeoutError):
            raise NoResponseError(seconds, host) from None
        raise


def resolve_host(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
    """Resolve the hosts for libpq, whose own DNS lookup would block all greenlets.

    libpq then tries the addresses in turn, and still verifies the certificate by host name. A Unix
    socket needs no lookup.

    Raises:
        OperationalError: no host has an address, or the lookup takes too long.
    """
    hosts = str(parameters.get("host") or "/").split(",")
    if any(host.startswith(("/", "@")) for host in hosts) or "hostaddr" in parameters:
        return
    found = look_up(hosts)
    ports = str(parameters.get("port", "")).split(",")
    if len(ports) > 1:
        parameters["port"] = ",".join(ports[place] for place, _ in found)
    parameters["host"] = ",".join(hosts[place] for place, _ in found)
    parameters["hostaddr"] = ",".join(address for _, address in found)


def look_up(hosts: list[str]) -> list[tuple[int, str]]:
    """Return each address with the index of its host; skip unknown hosts."""
    late = OperationalError(
        f"The lookup of {', '.join(hosts)} took more than {CONNECT_SECONDS:g} seconds."
    )
    found: list[tuple[int, str]] = []
    failure: OSError | None = None
    with Timeout(CONNECT_SECONDS, late):
        for place, host in enumerate(hosts):
            try:
                addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            except OSError as error:
                failure = error
            else:
                found += [(place, str(address[0])) for *_, address in addresses]
    if not found:
        raise OperationalError(f"The host {', '.join(hosts)} cannot be resolved: {failure}")
    return found
