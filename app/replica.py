"""A streaming replica, for reads that may lag; never for those that a client's own write is in.

docs/decisions/0017-reads-that-may-lag.md says how that is known.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

from flask import Flask, request
from loguru import logger
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.database import make_engine, reading_engine
from app.settings import Settings
from services import principals

Method = TypeVar("Method", bound=Callable[..., Any])
# Milliseconds; a read takes a few, and a replica that needs a second is as good as away.
STATEMENT_TIMEOUT = 1000
# One that was away is left alone for so long. Then one request tries it, for all.
PAUSE_SECONDS = 10


def may_lag(method: Method) -> Method:
    """What this reads may be as old as the replica is, but never older than the client's writes."""
    method.__dict__["may_lag"] = True
    return method


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.extensions["replica"] = None
    if settings.database_replica_url:
        app.extensions["replica"] = Replica(make_engine(of_replica(settings)))


def of_replica(settings: Settings) -> Settings:
    """The settings of its connections; behind a pooler its role is that of the primary."""
    timeout = settings.database_statement_timeout
    return dataclasses.replace(
        settings,
        database_url=settings.database_replica_url,
        database_statement_timeout=(
            timeout if settings.database_pooler else min(timeout, STATEMENT_TIMEOUT)
        ),
    )


class Replica:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._connect = reading_engine(engine).connect
        self._lock = Lock()
        self._away, self._next_try = False, 0.0

    @contextmanager
    def reading(self, session: tuple[str, int] | None) -> Iterator[Connection | None]:
        """A connection, or None where the primary has to be asked.

        `session` is the id of the session that asks, and how often it has written.

        Raises:
            DBAPIError, TimeoutError: the replica is away, or behind in its schema.
        """
        if (session is None and "Authorization" in request.headers) or not self._in_service():
            yield None
            return
        try:
            with self._connect() as connection:
                seen = session is None or principals.has_seen(connection, *session)
                yield connection if seen else None
        except (DBAPIError, PoolTimeout) as error:
            self._failed(error)
            raise
        self._away = False

    def _in_service(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if self._away and now < self._next_try:
                return False
            self._next_try = now + PAUSE_SECONDS
            return True

    def _failed(self, error: Exception) -> None:
        with self._lock:
            if not self._away:
                logger.warning("the replica does not answer: {}", getattr(error, "orig", error))
            self._away, self._next_try = True, time.monotonic() + PAUSE_SECONDS
