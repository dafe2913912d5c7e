"""Readiness of this process: PostgreSQL responds, is writable and has the schema of this code."""

import time
from threading import Lock

from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.schema_version import outdated_revisions

# The probe is public and without a limit, so requests in one second share one result.
CACHE_SECONDS = 1.0


class Readiness:
    """The latest result of the check; at most one request at a time asks PostgreSQL."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fault = ""
        self._checked_at = float("-inf")

    def fault(self, session: Session) -> str:
        """Return why the process is not ready, or an empty text."""
        with self._lock:
            if time.monotonic() - self._checked_at >= CACHE_SECONDS:
                self._fault = "PostgreSQL is unavailable."  # if the check raises
                try:
                    self._fault = find_fault(session)
                finally:
                    self._checked_at = time.monotonic()
            return self._fault


def init_app(app: Flask) -> None:
    app.extensions["readiness"] = Readiness()


def find_fault(session: Session) -> str:
    """Ask PostgreSQL why the service cannot work; return an empty text if it can."""
    if session.scalar(text("SHOW transaction_read_only")) == "on":
        # After a failover, the pool must not keep connections to the former primary.
        session.connection().engine.dispose()
        return "PostgreSQL is read-only."
    return "" if has_schema(session) else "The database is not at the schema of this version."


def has_schema(session: Session) -> bool:
    """Return whether the database has the migrations that this code needs.

    An upgrade migrates first, so a revision that this code does not know is a later one, and the
    pods of the previous version stay ready.
    """
    applied = MigrationContext.configure(session.connection()).get_current_heads()
    return bool(applied) and outdated_revisions().isdisjoint(applied)
