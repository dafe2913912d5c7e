"""Reads from a streaming replica that has applied the caller's own writes.

See docs/decisions/0016-read-replica.md.
"""

import dataclasses
import time
from collections.abc import Callable
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

# Milliseconds. If a read on the replica takes longer, the primary serves it.
STATEMENT_TIMEOUT = 1000
# After a failure, reads use the primary for this time. Then one request tries the replica.
PAUSE_SECONDS = 10


class Replica:
    """Engine and availability of the replica."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions = make_sessions(engine)
        self.failing, self.next_try = False, 0.0

    def in_service(self) -> bool:
        """Return True if a read may use the replica; after a failure, one read per pause may."""
        now = time.monotonic()
        if self.failing and now < self.next_try:
            return False
        self.next_try = now + PAUSE_SECONDS
        return True

    def mark_unavailable(self, error: Exception) -> None:
        if not self.failing:
            logger.warning("The replica is unavailable: {}", getattr(error, "orig", error))
        self.failing, self.next_try = True, time.monotonic() + PAUSE_SECONDS


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.extensions["replica"] = None
    if settings.database_replica_url:
        app.extensions["replica"] = Replica(make_engine(replica_settings(settings)))


def replica_settings(settings: Settings) -> Settings:
    """Return the settings for the engine of the replica, with a shorter statement timeout.

    Behind a pooler, the database role sets the timeout.
    """
    timeout = settings.database_statement_timeout
    return dataclasses.replace(
        settings,
        database_url=settings.database_replica_url,
        database_statement_timeout=(
            timeout if settings.database_pooler else min(timeout, STATEMENT_TIMEOUT)
        ),
    )


class Reader(Protocol):
    """The attributes of a resource that this module uses."""

    session: Session
    user: Row[Any]


def read_from_replica(
    resource: Reader, method: Callable[..., Any], path: dict[str, Any]
) -> Response | None:
    """Return the response of the method from the replica, or None if the primary must serve it.

    The result is None after an error, because the primary may have rows that the replica lacks.
    """
    replica: Replica | None = current_app.extensions["replica"]
    # Only a session counts writes. An API key has no session, and a public method reads no session.
    user = getattr(resource, "user", None)
    if "Authorization" in request.headers and getattr(user, "session_id", None) is None:
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
    replica: Replica, resource: Reader, method: Callable[..., Any], path: dict[str, Any]
) -> Response | None:
    """Return the response of the method, or None; note whether the replica is available."""
    response = None
    try:
        if has_own_writes(resource):
            response = make_response(method(**path))
    except (Problem, DBAPIError, PoolTimeout) as error:
        if is_unreachable(error):
            replica.mark_unavailable(error)
            return None
    # SQLAlchemy begins a transaction, also with autocommit, only after it connects to the replica.
    if resource.session.in_transaction():
        replica.failing = False
    else:
        replica.next_try = 0.0
    return response


def has_own_writes(resource: Reader) -> bool:
    """Return True if the replica has applied all writes of the caller."""
    user: Row[Any] | None = getattr(resource, "user", None)
    return user is None or principals.has_seen(
        resource.session, user.session_id, user.session_writes
    )


def is_unreachable(error: Exception) -> bool:
    """Return True if the connection failed; an SQLSTATE shows that the replica has responded."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    broken = isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated
    return broken and getattr(error.orig, "pgcode", None) is None
