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
from threading import RLock, Thread
from typing import Any

from flask import has_request_context
from psycopg2 import InterfaceError, extensions
from sqlalchemy import Engine, event

# By connection that a request has: when it is cut. Commands take the time that they need.
deadlines: dict[Any, float] = {}
# Held while one is cut, lest it is given back, closed or given new time meanwhile. The garbage
# collector may give one back in a thread that holds it.
lock = RLock()


def init_engine(engine: Engine) -> None:
    """Leave its connections alone once requests have given them back.

    Its cursors have to be of `cursor_factory`.
    """

    def forget(connection: Any, *_: Any) -> None:
        with lock:
            deadlines.pop(connection, None)

    for end in ("checkin", "invalidate", "close"):
        event.listen(engine, end, forget)


def cursor_factory(seconds: float) -> type[extensions.cursor]:
    """Cursors that cut a request's connection when a statement has no end after so many seconds.

    psycopg2's `connect` takes them by this name.
    """

    class Cursor(extensions.cursor):
        # An event of SQLAlchemy doesn't see what app/db/prepared.py runs, nor one of its pool
        # what is
        # asked while a connection is made.
        def execute(self, *args: Any) -> None:
            if self.connection in deadlines or has_request_context():
                watch()
                with lock:
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
        with lock:
            now = time.monotonic()
            for connection, deadline in list(deadlines.items()):
                if deadline < now and deadlines.pop(connection, 0.0):
                    cut(connection)


def cut(connection: Any) -> None:
    """End it below libpq, whoever waits there; to that thread PostgreSQL has gone."""
    with suppress(InterfaceError, OSError):
        descriptor = connection.fileno()
        with socket(fileno=os.dup(descriptor)) as sock:
            # libpq may have closed it meanwhile, and the copy be that of somebody else's socket.
            if connection.fileno() == descriptor:
                sock.shutdown(SHUT_RDWR)
