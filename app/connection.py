"""A client's connection, as the worker sees it."""

from collections import deque
from contextlib import suppress
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import TConn

from app.arriving import Arriving

# Where a connection is while a thread has it.
BUSY: deque[Any] = deque()


class Connection(TConn):
    """A client's connection, and what is known of its next request."""

    request: Arriving
    # Where it waits: for a request, for the rest of one, or for its client to go.
    queue = BUSY
    # Whether the selector watches it.
    watched = False
    # What its thread found: whether it stays open, and what it has read of the next request.
    kept = False
    begin = b""

    def refuse(self, status: int) -> None:
        """Answer in the event loop, which doesn't wait for anybody to read it."""
        self.sock.send_seconds = 0
        with suppress(OSError):
            util.write_error(self.sock, status, "", "")
            self.sock.flush()
