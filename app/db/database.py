"""SQLAlchemy engine and sessions: connection pool, autocommit and retryable errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
from flask import Flask, current_app
from psycopg2.errors import DeadlockDetected, ReadOnlySqlTransaction, SerializationFailure
from psycopg2.extensions import new_type, register_type
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from app.db import pooler, prepared
from app.db.connections import connect_args, set_utc
from app.settings import Settings
from app.settings.postgres import SCHEME

UUID_OID, TIMESTAMPTZ_OID = 2950, 1184  # OIDs in pg_type
# A worker waits this much longer than `statement_timeout`, and then closes the connection.
GRACE_SECONDS = 2.0
# An attempt that loses its connection after this time is not retried: a timeout was the cause.
MAX_RETRYABLE_SECONDS = 2.0
TRANSACTION_OPTIONS = {"isolation_level", "postgresql_readonly", "postgresql_deferrable"}
CONFLICTS = (DeadlockDetected, SerializationFailure)


class Database:
    """Opens sessions. Services only flush; a resource or a command commits."""

    def init_app(self, app: Flask) -> None:
        engine = make_engine(app.extensions["settings"])
        app.extensions["database"] = engine
        app.extensions["sessions"] = make_sessions(engine)

    def session(self, *, autocommit: bool = False) -> Session:
        """Open a session, which connects at its first statement.

        With `autocommit`, each statement is its own transaction, which saves the round trips for
        BEGIN and ROLLBACK.
        """
        session: Session = current_app.extensions["sessions"](info={"autocommit": autocommit})
        return session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session and commit it at the end of the block; an exception rolls it back."""
        with self.session() as session:
            yield session
            session.commit()


database = Database()


def make_engine(settings: Settings) -> Engine:
    wanted = pooler.session_settings(settings)
    options = "" if settings.database_pooler else pooler.startup_options(wanted)
    engine = create_engine(
        # libpq, not SQLAlchemy, parses the URL; see `connect_args`.
        f"{SCHEME}://",
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=settings.database_pool_timeout,
        pool_recycle=1800,
        pool_use_lifo=True,
        # Keep the parameters of statements out of the log: they contain personal data and secrets.
        hide_parameters=True,
        json_deserializer=orjson.loads,
        # Saves a query for the OID of hstore on each new connection.
        use_native_hstore=False,
        connect_args=connect_args(
            settings.database_url,
            options,
            application_name="flask-api",
            connect_timeout=3,
            tcp_user_timeout=10_000,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        ),
    )
    event.listen(engine, "connect", set_utc)
    event.listen(engine, "handle_error", remove_values)
    event.listen(engine, "handle_error", disconnect_read_only)
    event.listen(engine, "connect", choose_types)
    event.listen(engine, "before_cursor_execute", refuse_isolation_level_of_statement)
    if settings.database_pooler:
        pooler.init_engine(engine, wanted)
    else:
        prepared.init_engine(engine)
    return engine


class StrictSession(Session):
    """Session that raises an error for late execution options, which SQLAlchemy would ignore."""

    def connection(self, bind_arguments: Any = None, execution_options: Any = None) -> Connection:
        if execution_options and self.in_transaction():
            raise InvalidRequestError("Set execution options before the first statement.")
        return super().connection(bind_arguments, execution_options)


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    sessions: sessionmaker[Session] = sessionmaker(
        engine, class_=StrictSession, expire_on_commit=False
    )
    event.listen(sessions, "after_begin", start_autocommit)
    event.listen(engine, "checkin", end_autocommit)
    return sessions


def start_autocommit(session: Session, _transaction: Any, connection: Connection) -> None:
    """Turn on psycopg2's autocommit for an autocommit session; this needs no round trip.

    SQLAlchemy's `isolation_level="AUTOCOMMIT"` would send a SET for each use of a connection.
    """
    # If the caller sets transaction options, keep the transaction.
    chosen = TRANSACTION_OPTIONS & connection.get_execution_options().keys()
    if session.info["autocommit"] and not chosen:
        driver_connection: Any = connection.connection.driver_connection
        driver_connection.autocommit = True


def end_autocommit(connection: Any, _record: Any) -> None:
    """Reset autocommit when a connection returns to the pool, unless it is lost."""
    if connection is not None and not connection.closed and connection.autocommit:
        connection.autocommit = False


def refuse_isolation_level_of_statement(
    connection: Connection, _cursor: Any, _sql: str, _parameters: Any, context: Any, _many: bool
) -> None:
    """Raise an error if a single statement sets an isolation level, which would have no effect."""
    chosen = context.execution_options.get("isolation_level")
    if chosen != connection.get_execution_options().get("isolation_level"):
        raise InvalidRequestError("The isolation_level of a single statement has no effect.")


def choose_types(connection: Any, _record: Any) -> None:
    """Set faster Python types for UUID and timestamp columns.

    The service uses ids as text, so UUID objects would be overhead. `fromisoformat` is faster than
    psycopg2's own parser, which creates a time zone object for each value.
    """
    connection.string_types.pop(UUID_OID, None)
    register_type(new_type((TIMESTAMPTZ_OID,), "time", read_time), connection)


def read_time(value: Any, _cursor: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def remove_values(context: ExceptionContext) -> None:
    """Keep only the first line of an error message: the other lines can contain values of rows."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\n")[0],)


def disconnect_read_only(context: ExceptionContext) -> None:
    """Treat a failed write to a read-only server as a lost connection.

    After a failover, connections to the former primary still work. If one is marked as lost,
    SQLAlchemy drops the whole pool, and the retry connects to the new primary.
    """
    if isinstance(context.original_exception, ReadOnlySqlTransaction):
        context.is_disconnect = True


def is_retryable(error: Exception, seconds: float = 0) -> bool:
    """Return True if a retry of the transaction can succeed.

    `seconds` is the duration of the failed attempt (see `MAX_RETRYABLE_SECONDS`).
    """
    if isinstance(error, StaleDataError):
        return True
    if isinstance(error, DBAPIError) and isinstance(error.orig, CONFLICTS):
        return True
    return lost_connection(error) and seconds < MAX_RETRYABLE_SECONDS


def lost_connection(error: Exception) -> bool:
    """Return True if the connection broke before or during a statement.

    After a restart of PostgreSQL, SQLAlchemy drops all older connections of the pool, so a retry
    gets a new one. If the error has no statement, the COMMIT failed. Then the result is False,
    because the transaction may be saved.
    """
    return (
        isinstance(error, DBAPIError)
        and error.connection_invalidated
        and error.statement is not None
    )
