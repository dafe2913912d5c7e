"""Connections to PostgreSQL, of the service and of migrations: parameters and encoding."""

from typing import Any

from loguru import logger
from psycopg2 import OperationalError
from sqlalchemy.engine import make_url


def connect_args(url: str, options: str = "", **defaults: Any) -> dict[str, Any]:
    """Return the parameters of psycopg2 that a URL does not give, for `create_engine`.

    `defaults` give way to the parameters of the URL, `options` are added to its options. All
    connections set the options and the encoding, so that libpq does not take PGOPTIONS and
    PGCLIENTENCODING, and the service finds the schema that the migrations wrote.
    """
    given = make_url(url).query
    missing = {name: value for name, value in defaults.items() if name not in given}
    joined = f"{given.get('options', '')} {options}".strip()
    return {**missing, "client_encoding": "UTF8", "options": joined}


def require_utf8(connection: Any, _record: Any) -> None:
    """Refuse a database that cannot hold all texts; a listener of the engine's `connect`.

    Raises:
        OperationalError: the database has another encoding.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding in {"UTF8", None}:
        return
    connection.close()
    reason = f"The database has the encoding {encoding}; create it with ENCODING 'UTF8'."
    logger.error(reason)
    raise OperationalError(reason)
