"""What every session of PostgreSQL has to have, and who sees to it.

A connection asks for it in its startup packet. A pooler of transactions refuses that: its clients
share the sessions. There the role has it instead, and this tells the operator if it has not.
"""

from collections.abc import Callable
from typing import Any

from loguru import logger
from sqlalchemy import Engine, event

from app.settings import Settings

FOUND = """
    SELECT name, setting, quote_ident(current_user) FROM pg_settings
    WHERE name IN %(names)s"""


def session_settings(settings: Settings) -> dict[str, str]:
    """Names and values of `pg_settings`; times are milliseconds."""
    return {
        "TimeZone": "UTC",
        "statement_timeout": str(settings.database_statement_timeout),
        "lock_timeout": str(settings.database_lock_timeout),
        "idle_in_transaction_session_timeout": "10000",
    }


def startup_options(wanted: dict[str, str]) -> str:
    """The `options` of libpq that set them for a connection."""
    return " ".join(f"-c {name}={value}" for name, value in wanted.items())


def init_engine(engine: Engine, wanted: dict[str, str]) -> None:
    event.listen(engine, "first_connect", complain_of(wanted))


def complain_of(wanted: dict[str, str]) -> Callable[[Any, Any], None]:
    """A look at the first session of a process, for what the role lacks."""

    def look(driver: Any, _record: Any) -> None:
        with driver.cursor() as cursor:
            cursor.execute(FOUND, {"names": tuple(wanted)})
            lacking = [
                f"ALTER ROLE {role} SET {name} = '{wanted[name]}';"
                for name, value, role in cursor
                if value != wanted[name]
            ]
        driver.rollback()
        if lacking:
            logger.warning("sessions behind the pooler are not bounded: {}", " ".join(lacking))

    return look
