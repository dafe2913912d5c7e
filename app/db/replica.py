"""A streaming replica for reads that may lag, never for what misses the caller's own writes.

See docs/decisions/0016-read-replica.md.
"""

import dataclasses
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from flask import Flask, Response, current_app, make_response, request
from loguru import logger
from sqlalchemy import Engine, Row
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app.db.database import make_engine, make_sessions
from app.settings import Settings
from services import principals
from services.errors import Problem

# Milliseconds. A read takes a few; a replica that needs a second is as good as unavailable.
STATEMENT_TIMEOUT = 1000
# Seconds without attempts after a failure; then one request tries again, for all.
PAUSE_SECONDS = 10


class Replica:
    """The engine of the replica, and whether it is in service."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions = make_sessions(engine)
        self._lock = Lock()
        self._failing, self._next_try = False, 0.0

    def in_service(self) -> bool:
        """Return whether to read from it; after a failure, one request per pause may try."""
        with self._lock:
            now = time.monotonic()
            if self._failing and now < self._next_try:
                return False
            self._next_try = now + PAUSE_SECONDS
            return True

    def failed(self, error: Exception) -> None:
        with self._lock:
            if not self._failing:
                logger.warning("The replica is unavailable: {}", getattr(error, "orig", error))
            self._failing, self._next_try = True, time.monotonic() + PAUSE_SECONDS

    def responded(self) -> None:
        self._failing = False

    def was_not_asked(self) -> None:
        """Let the next request try it."""
        self._next_try = 0.0


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.extensions["replica"] = None
    if settings.database_replica_url:
        app.extensions["replica"] = Replica(make_engine(replica_settings(settings)))


def replica_settings(settings: Settings) -> Settings:
    """Return the settings of its connections; behind a pooler, the role sets the timeout."""
    timeout = settings.database_statement_timeout
    return dataclasses.replace(
        settings,
        database_url=settings.database_replica_url,
        database_statement_timeout=(
            timeout if settings.database_pooler else min(timeout, STATEMENT_TIMEOUT)
        ),
    )


class Reading(Protocol):
    """What is needed of a resource."""

    session: Session
    user: Row[Any]


def read_from_replica(
    resource: Reading, method: Callable[..., Any], path: dict[str, Any]
) -> Response | None:
    """Return the response that the replica gives, or None where the primary must be asked.

    An error is no response either: the primary may have what the replica lacks.
    """
    replica: Replica | None = current_app.extensions["replica"]
    if "Authorization" in request.headers and not hasattr(resource, "user"):
        return None
    if replica is None or not replica.in_service():
        return None
    primary = resource.session
    try:
        with replica.sessions(info={"autocommit": True}) as resource.session:
            return respond(replica, resource, method, path)
    finally:
        resource.session = primary


def respond(
    replica: Replica, resource: Reading, method: Callable[..., Any], path: dict[str, Any]
) -> Response | None:
    """Return the response of the method, or None; record whether the replica can be reached."""
    response = None
    try:
        if has_own_writes(resource):
            response = make_response(method(**path))
    except (Problem, DBAPIError, PoolTimeout) as error:
        if is_unreachable(error):
            replica.failed(error)
            return None
    # The session has begun a transaction if it has a connection.
    if resource.session.in_transaction():
        replica.responded()
    else:
        replica.was_not_asked()
    return response


def has_own_writes(resource: Reading) -> bool:
    """Return whether the replica has applied all that the caller has written."""
    user: Row[Any] | None = getattr(resource, "user", None)
    return user is None or principals.has_seen(
        resource.session, user.session_id, user.session_writes
    )


def is_unreachable(error: Exception) -> bool:
    """Return whether there was no connection; an error with an SQLSTATE is a response."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    broken = isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated
    return broken and getattr(error.orig, "pgcode", None) is None
