"""Readiness check: PostgreSQL is available, writable and has the schema of this version."""

import time
from threading import Lock

from alembic.runtime.migration import MigrationContext
from flask import Flask
from loguru import logger
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.schema_version import is_current, revisions

# `/api/health/ready` has no rate limit, so requests within one second share one result.
CACHE_SECONDS = 1.0


class Readiness:
    """Readiness check with a cached result; at most one request at a time queries PostgreSQL."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fault = ""
        self._checked_at = float("-inf")

    def fault(self, session: Session) -> str:
        """Return why the process is not ready, or an empty string if it is ready."""
        with self._lock:
            if time.monotonic() - self._checked_at >= CACHE_SECONDS:
                previous, self._fault = self._fault, "PostgreSQL is unavailable."
                try:
                    self._fault = find_fault(session)
                finally:
                    self._checked_at = time.monotonic()
                if self._fault not in {"", previous}:
                    logger.warning("The process is not ready: {}", self._fault)
            return self._fault


def init_app(app: Flask) -> None:
    app.extensions["readiness"] = Readiness()


def find_fault(session: Session) -> str:
    """Query PostgreSQL; return why the process is not ready, or an empty string."""
    if session.scalar(text("SHOW transaction_read_only")) == "on":
        # After a failover, the pool must not keep connections to the former primary.
        session.connection().engine.dispose()
        return "PostgreSQL is read-only."
    applied = MigrationContext.configure(session.connection()).get_current_heads()
    if is_current(applied):
        return ""
    found, (heads, _) = ", ".join(sorted(applied)) or "none", revisions()
    return (
        "The database does not have the schema of this version: its Alembic revision is "
        f"{found}, and this version needs {', '.join(sorted(heads))}."
    )
