"""Requests that have waited too long for a thread are refused, and not worked off one by one.

When PostgreSQL is slow, all threads wait for it and a queue builds up. Whoever has waited in it has
mostly given up, and what comes after them must not have to wait for their requests too.
"""

import time

from flask import Flask, request

from app.errors.http_errors import Unavailable

QUEUE_SECONDS = 5.0


def init_app(app: Flask) -> None:
    app.before_request(refuse_stale)


def refuse_stale() -> None:
    """
    Raises:
        Unavailable: the request has been in app/worker.py's queue for more than `QUEUE_SECONDS`.
    """
    sock = request.environ.get("gunicorn.socket")
    now = time.monotonic()
    if now - getattr(sock, "queued_at", now) > QUEUE_SECONDS:
        raise Unavailable("There is more to do than can be done; retry after a while.")
