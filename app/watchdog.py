"""An end to waiting for a PostgreSQL that has frozen, or whose disk has.

PostgreSQL ends a statement that takes too long, if it runs. When it doesn't, libpq waits for an
answer as long as the other side's kernel is alive, and every request takes a thread with it. So
what a request waits for is watched, and its connection is cut in time.
"""

import os
import time
from contextlib import suppress
from functools import cache
from socket import SHUT_RDWR, socket
from threading import Thread
from typing import Any

from flask import has_request_context
from psycopg2 import InterfaceError
from psycopg2.extensions import cursor
from sqlalchemy import Engine, event

# By connection that a request has: when it is cut. Commands take the time that they need.
deadlines: dict[Any, float] = {}


def init_engine(engine: Engine, seconds: float) -> None:
    """Cut a request's connection when a statement has no end after so many seconds.

    Its cursors have to be of `cursor_factory(seconds)`.
    """

    def checkout(connection: Any, *_: Any) -> None:
        if has_request_context():
            watch()
            deadlines[connection] = time.monotonic() + seconds

    def forget(connection: Any, *_: Any) -> None:
        deadlines.pop(connection, None)

    event.listen(engine, "checkout", checkout)
    event.listen(engine, "checkin", forget)
    event.listen(engine, "invalidate", forget)


def cursor_factory(seconds: float) -> type[cursor]:
    """Cursors that give each statement its time; psycopg2's `connect` takes them by this name."""

    class Cursor(cursor):
        # An event of SQLAlchemy doesn't see what app/prepared.py runs.
        def execute(self, *args: Any) -> None:
            if self.connection in deadlines:
                deadlines[self.connection] = time.monotonic() + seconds
            super().execute(*args)

    return Cursor


@cache
def watch() -> Thread:
    """Begin to, in this process; gunicorn forks."""
    thread = Thread(target=cut_overdue, name="watchdog", daemon=True)
    thread.start()
    return thread


def cut_overdue(every_seconds: float = 0.5) -> None:
    while True:
        time.sleep(every_seconds)
        now = time.monotonic()
        for connection, deadline in list(deadlines.items()):
            if deadline < now:
                cut(connection)


def cut(connection: Any) -> None:
    """End it below libpq, whoever waits there; to that thread PostgreSQL has gone."""
    with suppress(InterfaceError, OSError), socket(fileno=os.dup(connection.fileno())) as sock:
        sock.shutdown(SHUT_RDWR)
