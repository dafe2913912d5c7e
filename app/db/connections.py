"""Connection parameters for PostgreSQL, shared by the service and the migrations."""

from typing import Any

from app.settings.postgres import parameters


def connect_args(url: str, options: str = "", **defaults: Any) -> dict[str, Any]:
    """Return `connect_args` for `create_engine`: all parameters of the URL, and `defaults`.

    The parameters of the URL override `defaults`. `options` are appended to the options of the URL,
    so they take precedence. Options and encoding are always set, so libpq ignores PGOPTIONS and
    PGCLIENTENCODING. Otherwise the service and the migrations could use different schemas.
    """
    given = parameters(url)
    joined = f"{given.get('options', '')} {options}".strip()
    return {**defaults, **given, "client_encoding": "UTF8", "options": joined}


def set_utc(connection: Any, _record: Any) -> None:
    """Set the time zone UTC; a listener for the `connect` event.

    The `options` of a connection set it too, but libpq then applies the variable PGTZ. If the
    session is in UTC, this function needs no round trip.
    """
    if connection.info.parameter_status("TimeZone") != "UTC":
        with connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
        connection.commit()
