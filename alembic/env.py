"""Alembic environment: connection, migration lock, timeouts and retries."""

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
from app.db.connections import connect_args
from app.settings import SettingsError, database_url
from app.settings.postgres import SCHEME
from models.base import Base

# Key of the advisory lock; no other program may use it in the same database.
MIGRATION_LOCK = 7_205_759
# In seconds. Requests queue behind a migration that waits for a table lock, and fail after 2 s
# (DATABASE_LOCK_TIMEOUT). So a migration stops waiting after DDL_LOCK_TIMEOUT, and retries after
# PAUSE. `alembic -x retry_seconds=600 upgrade head` overrides RETRY_SECONDS, the total time.
DDL_LOCK_TIMEOUT, PAUSE, RETRY_SECONDS = 1, 3, 120
# Seconds between two attempts to take the migration lock.
POLL = 0.2
# Override the timeouts of the database role, which may be too short to build an index. SET LOCAL
# also works behind PgBouncer in transaction mode.
TIMEOUTS = {
    "statement_timeout": "15min",
    "lock_timeout": f"{DDL_LOCK_TIMEOUT}s",
    "idle_in_transaction_session_timeout": 0,
}
# Matches type names in a `repr`: `JSONB` and `Text` in `JSONB(astext_type=Text())`.
CONSTRUCTOR = re.compile(r"\b[A-Z]\w*(?=\()")


def run() -> None:
    try:
        url = context.config.attributes.get("url") or database_url()
    except SettingsError as error:
        sys.exit(str(error))
    if context.is_offline_mode():  # `alembic upgrade head --sql` only prints SQL
        context.configure(url=f"{SCHEME}://", target_metadata=Base.metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
    else:
        migrate(url)


def migrate(url: str) -> None:
    """Run the migrations, one process at a time.

    The migration lock has its own connection: an `autocommit_block` of a migration commits, which
    would release the lock.
    """
    engine = create_engine(f"{SCHEME}://", poolclass=pool.NullPool, connect_args=connect_args(url))
    event.listen(engine, "begin", set_timeouts)
    with engine.connect() as lock_connection, engine.connect() as connection:
        require_utf8(connection)
        take_migration_lock(lock_connection)
        context.configure(
            connection=connection, target_metadata=Base.metadata, render_item=plain_type
        )
        run_with_retries(lock_connection)


def require_utf8(connection: Connection) -> None:
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    connection.rollback()
    if encoding != "UTF8":
        sys.exit(f"The database has the encoding {encoding}; create it with ENCODING 'UTF8'.")


def set_timeouts(connection: Connection) -> None:
    """Set the timeouts of a transaction; an `autocommit_block` keeps those of the role."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        for name, value in TIMEOUTS.items():
            connection.exec_driver_sql(f"SET LOCAL {name} = '{value}'")


def take_migration_lock(connection: Connection) -> None:
    """Take the migration lock in a transaction that stays open.

    The function polls, because a statement that waits for the lock would hold a snapshot. CREATE
    INDEX CONCURRENTLY in the running migration waits for all snapshots: a deadlock.
    """
    lock = text("SELECT pg_try_advisory_xact_lock(:key)")
    waiting = False
    while not connection.scalar(lock, {"key": MIGRATION_LOCK}):
        connection.rollback()
        if not waiting:
            print("Another migration is running; waiting for it.", file=sys.stderr, flush=True)
        waiting = True
        time.sleep(POLL)


def run_with_retries(lock_connection: Connection) -> None:
    """Run the migrations; retry while another transaction locks a table that a migration changes.

    The rollback of a failed attempt releases the table locks, but not the migration lock.
    """
    options = context.get_x_argument(as_dictionary=True)
    seconds = float(options.get("retry_seconds", RETRY_SECONDS))
    deadline = time.monotonic() + seconds
    while True:
        try:
            with context.begin_transaction():
                context.run_migrations()
            return
        except OperationalError as error:
            if not isinstance(error.orig, (LockNotAvailable, DeadlockDetected)):
                raise
            if time.monotonic() + PAUSE > deadline:
                sys.exit(failure_message(lock_connection, error, seconds))
            print("Another transaction locks a table; retrying.", file=sys.stderr, flush=True)
            time.sleep(PAUSE)


def failure_message(connection: Connection, error: OperationalError, seconds: float) -> str:
    blockers = connection.execute(text(OLDEST)).scalars()
    lines = "\n".join(f"  {line}" for line in blockers)
    return (
        f"The migration failed: another transaction still locks a table after {seconds:g} s.\n"
        f"The statement: {' '.join(str(error.statement).split())}\n"
        f"The oldest transactions on this database:\n{lines}\n"
        "Wait until they end, or end them with pg_terminate_backend(pid). Then run this again."
    )


# Does not select the text of statements, which may contain personal data.
OLDEST = """
    SELECT format('pid %s, %s of %s, %s for %s', pid, coalesce(nullif(application_name, ''), '?'),
        usename, state, date_trunc('second', clock_timestamp() - xact_start))
    FROM pg_stat_activity
    WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
    ORDER BY xact_start LIMIT 5
    """


def plain_type(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Return the code of the type that a `TypeDecorator` wraps, or False for other items.

    Migrations must not import the models: a later change of a model would change old migrations.
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
