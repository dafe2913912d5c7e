"""Connection parameters for PostgreSQL, shared by the service and the migrations."""

from typing import Any

from loguru import logger
from psycopg2 import OperationalError

from app.settings.postgres import parameters


def connect_args(url: str, options: str = "", **defaults: Any) -> dict[str, Any]:
    """Return `connect_args` for `create_engine`: all parameters of the URL, and `defaults`.

    The parameters of the URL override `defaults`; `options` are appended to its options. Options
    and encoding are always set, so libpq ignores PGOPTIONS and PGCLIENTENCODING. Otherwise these
    variables could make the service and the migrations use different schemas.
    """
    given = parameters(url)
    joined = f"{given.get('options', '')} {options}".strip()
    return {**defaults, **given, "client_encoding": "UTF8", "options": joined}


def set_utc(connection: Any, _record: Any) -> None:
    """Set the time zone UTC; a listener for the `connect` event.

    The `options` of a connection set it, but libpq sends PGTZ after them. A session that is in
    UTC already costs no round trip.
    """
    if connection.info.parameter_status("TimeZone") != "UTC":
        with connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
        connection.commit()


def require_utf8(connection: Any, _record: Any) -> None:
    """Reject a database that is not UTF-8; a listener for the `connect` event.

    Raises:
        OperationalError: the database has a different encoding.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding in {"UTF8", None}:
        return
    connection.close()
    reason = f"The database has the encoding {encoding}; create it with ENCODING 'UTF8'."
    logger.error(reason)
    raise OperationalError(reason)
