"""How Alembic reaches the database, and how migrations take turns: with each other, with users."""

import re
import sys
import time
from functools import partial
from re import Match
from typing import Any, Literal

import sqlalchemy
from alembic import context
from alembic.autogenerate.api import AutogenContext
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, create_engine, event, pool, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import TypeDecorator

import models  # noqa: F401 (registers the tables)
from app.db.connections import connect_args, require_utf8
from app.settings import SettingsError, database_url
from models.base import Base

# Any number, as long as no other program takes this lock in the same database.
MIGRATION_LOCK = 7_205_759
# A migration that waits for a table makes all wait who come after it, and requests do that for 2 s
# (DATABASE_LOCK_TIMEOUT) before they fail. So it waits for less, in turns with pauses, until
# its patience is over: seconds, `alembic -x patience=600 upgrade head`.
DDL_LOCK_TIMEOUT, PAUSE, PATIENCE = 1, 3, 120
# Seconds between two attempts to take the lock of migrations.
POLL = 0.2
# The role may have the timeouts of requests, but an index takes longer to build. SET LOCAL acts
# behind a pooler as well.
TIMEOUTS = {
    "statement_timeout": "15min",
    "lock_timeout": f"{DDL_LOCK_TIMEOUT}s",
    "idle_in_transaction_session_timeout": 0,
}
# The name of a type in its `repr`: `JSONB` and `Text` in `JSONB(astext_type=Text())`.
CONSTRUCTOR = re.compile(r"\b[A-Z]\w*(?=\()")


def run() -> None:
    try:
        url = context.config.attributes.get("url") or database_url()
    except SettingsError as error:
        sys.exit(str(error))
    if context.is_offline_mode():  # `alembic upgrade head --sql` prints what it would do
        context.configure(url=url, target_metadata=Base.metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
    else:
        migrate(url)


def migrate(url: str) -> None:
    """Run the migrations, one process at a time.

    The lock has a connection of its own, because a migration with an `autocommit_block` commits.
    """
    engine = create_engine(url, poolclass=pool.NullPool, connect_args=connect_args(url))
    event.listen(engine, "connect", require_utf8)
    event.listen(engine, "begin", set_timeouts)
    with engine.connect() as turn, engine.connect() as connection:
        wait_for_turn(turn)
        context.configure(
            connection=connection, target_metadata=Base.metadata, render_item=plain_type
        )
        run_with_retries(turn)


def set_timeouts(connection: Connection) -> None:
    """Set the timeouts of a transaction; an `autocommit_block` has those of the role."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        for name, value in TIMEOUTS.items():
            connection.exec_driver_sql(f"SET LOCAL {name} = '{value}'")


def wait_for_turn(turn: Connection) -> None:
    """Take the lock of migrations in a transaction, which stays open.

    A statement that waits for the lock would have a snapshot, and CREATE INDEX CONCURRENTLY waits
    for all snapshots: a deadlock. So this asks again and again.
    """
    lock = text("SELECT pg_try_advisory_xact_lock(:key)")
    waiting = False
    while not turn.scalar(lock, {"key": MIGRATION_LOCK}):
        turn.rollback()
        if not waiting:
            print("Another migration is running; waiting for it.", file=sys.stderr, flush=True)
        waiting = True
        time.sleep(POLL)


def run_with_retries(turn: Connection) -> None:
    """Run the migrations; again, as long as others lock a table that they change.

    The rollback releases the locks of the tables, and keeps that of migrations.
    """
    patience = float(context.get_x_argument(as_dictionary=True).get("patience", PATIENCE))
    deadline = time.monotonic() + patience
    while True:
        try:
            with context.begin_transaction():
                context.run_migrations()
            return
        except OperationalError as error:
            if not isinstance(error.orig, (LockNotAvailable, DeadlockDetected)):
                raise
            if time.monotonic() + PAUSE > deadline:
                sys.exit(given_up(turn, error, patience))
            print("A table is locked by somebody else; trying again.", file=sys.stderr, flush=True)
            time.sleep(PAUSE)


def given_up(connection: Connection, error: OperationalError, patience: float) -> str:
    blockers = connection.execute(text(OLDEST)).scalars()
    lines = "\n".join(f"  {line}" for line in blockers)
    return (
        f"Nothing was migrated: after {patience:g} s a table is still locked by somebody else.\n"
        f"The statement: {' '.join(str(error.statement).split())}\n"
        f"The oldest transactions on this database:\n{lines}\n"
        "Wait until they are over or end them with pg_terminate_backend(pid), and run this again."
    )


# No text of statements: there may be personal data in them.
OLDEST = """
    SELECT format('pid %s, %s of %s, %s for %s', pid, coalesce(nullif(application_name, ''), '?'),
        usename, state, date_trunc('second', clock_timestamp() - xact_start))
    FROM pg_stat_activity
    WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
    ORDER BY xact_start LIMIT 5
    """


def plain_type(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Return the code of the column type behind a `TypeDecorator`; False for any other item.

    A migration must not change with the models, so it imports none of them.
    """
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    return CONSTRUCTOR.sub(partial(qualify, context), repr(item.impl))


def qualify(context: AutogenContext, name: Match[str]) -> str:
    if hasattr(sqlalchemy, name[0]):
        return f"sa.{name[0]}"
    context.imports.add("from sqlalchemy.dialects import postgresql")
    return f"postgresql.{name[0]}"


run()
