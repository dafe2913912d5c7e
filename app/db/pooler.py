"""Session settings of PostgreSQL: time zone and timeouts, also behind a transaction pooler.

A direct connection sends the settings in its startup packet. A transaction pooler such as PgBouncer
rejects them, because its clients share sessions. Behind a pooler, the database role must have the
settings; this module logs a warning about those that the role lacks.
"""

from collections.abc import Callable
from typing import Any

from loguru import logger
from sqlalchemy import Engine, event

from app.settings import Settings

CURRENT = """
    SELECT name, setting, quote_ident(current_user) FROM pg_settings
    WHERE name IN %(names)s"""


def session_settings(settings: Settings) -> dict[str, str]:
    """Return names and values of `pg_settings`; times are in milliseconds."""
    return {
        "TimeZone": "UTC",
        "statement_timeout": str(settings.database_statement_timeout),
        "lock_timeout": str(settings.database_lock_timeout),
        "idle_in_transaction_session_timeout": "10000",
        # The start of parallel workers can take longer than the query.
        "max_parallel_workers_per_gather": "0",
    }


def startup_options(wanted: dict[str, str]) -> str:
    """Return the libpq `options` that apply the settings to a connection."""
    return " ".join(f"-c {name}={value}" for name, value in wanted.items())


def init_engine(engine: Engine, wanted: dict[str, str]) -> None:
    event.listen(engine, "first_connect", warn_about_role(wanted))


def warn_about_role(wanted: dict[str, str]) -> Callable[[Any, Any], None]:
    """Return a `first_connect` listener that logs the settings that the role lacks."""

    def compare(driver: Any, _record: Any) -> None:
        with driver.cursor() as cursor:
            cursor.execute(CURRENT, {"names": tuple(wanted)})
            statements = [
                f"ALTER ROLE {role} SET {name} = '{wanted[name]}';"
                for name, value, role in cursor
                if value != wanted[name]
            ]
        driver.rollback()
        if statements:
            logger.warning("The database role lacks settings; run: {}", " ".join(statements))

    return compare
