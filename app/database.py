"""The way to PostgreSQL: one pool a process, one transaction a request."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app
from psycopg2.errors import DeadlockDetected, SerializationFailure
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from app.settings import Settings
from services.errors import Problem


class Database:
    """Opens transactions. Services flush in them; only the edge commits."""

    def init_app(self, app: Flask) -> None:
        engine = make_engine(app.extensions["settings"])
        app.extensions["database"] = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that begins with its first statement and commits at the end of the block.

        Any exception rolls it back, but for a refusal that has to be written down.
        """
        with current_app.extensions["database"]() as session:
            try:
                yield session
            except Problem as problem:
                if problem.keeps_changes:
                    session.commit()
                raise
            session.commit()


database = Database()


def make_engine(settings: Settings) -> Engine:
    options = {
        "timezone": "UTC",
        "statement_timeout": settings.database_statement_timeout,
        "lock_timeout": settings.database_lock_timeout,
        "idle_in_transaction_session_timeout": 10_000,
    }
    engine = create_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=settings.database_pool_timeout,
        pool_recycle=1800,
        pool_pre_ping=True,
        pool_use_lifo=True,
        # Values of statements are personal data and secrets: they don't belong in a log.
        hide_parameters=True,
        connect_args={
            "application_name": "flask-api",
            "connect_timeout": 3,
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )
    event.listen(engine, "handle_error", forget_values)
    return engine


def forget_values(context: ExceptionContext) -> None:
    """Keep the first line of an error; DETAIL and LINE have values of rows and statements."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\n")[0],)


def worth_retrying(error: Exception) -> bool:
    """Whether the same transaction can be expected to succeed when it is simply run again."""
    if isinstance(error, DBAPIError):
        return isinstance(error.orig, (DeadlockDetected, SerializationFailure))
    return isinstance(error, StaleDataError)
