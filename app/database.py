"""The way to PostgreSQL: one pool a process, one transaction a request."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import orjson
from flask import Flask
from psycopg2.errors import DeadlockDetected, SerializationFailure
from psycopg2.extensions import new_type, register_type
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app import driver, pooler, prepared
from app.globals import current_app
from app.settings import Settings
from services.errors import Problem

UUID_OID, TIMESTAMPTZ_OID = 2950, 1184  # of pg_type
# How much longer than PostgreSQL's own timeout the server waits for a statement.
GRACE_SECONDS = 2.0


class Database:
    """Opens transactions. Services flush in them; only the edge commits."""

    def init_app(self, app: Flask) -> None:
        engine = make_engine(app.extensions["settings"])
        app.extensions["database"] = engine
        app.extensions["database_writing"] = engine.begin
        app.extensions["database_reading"] = reading_engine(engine).connect

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for statements that only read.

        Each is a transaction of its own, so that none waits for a BEGIN and a COMMIT. They see
        what they would see in one: at READ COMMITTED every statement has its own snapshot.
        """
        connection: AbstractContextManager[Connection] = current_app.extensions[
            "database_reading"
        ]()
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that begins with its first statement and commits at the end of the block.

        Any exception rolls it back, but for a refusal that has to be written down.
        """
        refusal = None
        with current_app.extensions["database_writing"]() as connection:
            try:
                yield connection
            except Problem as problem:
                if not problem.keeps_changes:
                    raise
                refusal = problem
        if refusal:
            raise refusal

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction for who changes instances of models, outside of a request."""
        with self.transaction() as connection, session_in(connection) as session:
            yield session


@contextmanager
def session_in(connection: Connection) -> Iterator[Session]:
    """For who changes instances of models: it happens in the connection's transaction.

    That goes on: the session's own commit flushes, and refuses what a failed flush has undone.
    """
    with Session(
        connection, expire_on_commit=False, join_transaction_mode="rollback_only"
    ) as session:
        try:
            yield session
        except Problem as problem:
            if problem.keeps_changes:
                session.commit()
            raise
        session.commit()


database = Database()


def make_engine(settings: Settings) -> Engine:
    wanted = pooler.session_settings(settings)
    options = {} if settings.database_pooler else {"options": pooler.startup_options(wanted)}
    engine = create_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=settings.database_pool_timeout,
        pool_recycle=1800,
        pool_use_lifo=True,
        # Values of statements are personal data and secrets: they don't belong in a log.
        hide_parameters=True,
        json_deserializer=orjson.loads,
        execution_options={"pooled": settings.database_pooler},
        # Each new connection would ask for it, by cursors that nobody watches.
        use_native_hstore=False,
        connect_args={
            "application_name": "flask-api",
            "connect_timeout": 3,
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "connection_factory": driver.Connection,
            "cursor_factory": driver.Cursor,
            **options,
        },
    )
    event.listen(engine, "handle_error", forget_values)
    event.listen(engine, "connect", choose_types)
    event.listen(engine, "begin", begin)
    prepared.init_engine(engine)
    if settings.database_pooler:
        pooler.init_engine(engine, wanted)
    return engine


def reading_engine(engine: Engine) -> Engine:
    """The same pool, for statements of which each is a transaction of its own."""
    reading = engine.execution_options(reading=True)
    reading._connection_cls = engine._connection_cls  # which the copy has forgotten
    return reading


def choose_types(connection: Any, _record: Any) -> None:
    """Choose what the driver makes of values.

    Ids become text anyway; a UUID object on the way there costs more than the rest of it. And to
    read a time, Python needs half as long as psycopg2, which makes a time zone for each.
    """
    connection.string_types.pop(UUID_OID, None)
    register_type(new_type((TIMESTAMPTZ_OID,), "time", read_time), connection)


def read_time(value: Any, _cursor: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def begin(connection: Connection) -> None:
    """Have the driver begin a transaction, but for what only reads."""
    if not connection.get_execution_options().get("reading"):
        opened: Any = connection.connection.dbapi_connection
        opened.begin()


def forget_values(context: ExceptionContext) -> None:
    """Keep the first line of an error; DETAIL and LINE have values of rows and statements."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\n")[0],)


def worth_retrying(error: Exception, seconds: float = 0) -> bool:
    """Whether the same transaction can be expected to succeed when it is simply run again.

    After `seconds` as many as these, a deadline has closed the connection (see
    app/server/postgres_wait.py), and the client has no time for another attempt.
    """
    if isinstance(error, DBAPIError):
        if isinstance(error.orig, (DeadlockDetected, SerializationFailure)):
            return True
        return _lost(error) and seconds < GRACE_SECONDS
    return isinstance(error, StaleDataError)


def _lost(error: DBAPIError) -> bool:
    """Whether the connection broke under a statement, so that nothing can have been committed.

    It may have been dead for long, since PostgreSQL restarted; by now the pool has let go of all
    that are as old. Where it broke at a COMMIT, there is no statement, and nobody knows.
    """
    return error.connection_invalidated and error.statement is not None
