"""Prepared statements: what a request asks PostgreSQL is parsed once a connection.

psycopg2 has none of its own. A statement asks for it by `execution_options(prepared=True)`, and has
to be one that is made once and kept, because PostgreSQL keeps it as long as the connection.
"""

import re
from functools import lru_cache
from hashlib import sha256
from typing import Any

from psycopg2.errors import FeatureNotSupported
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

PARAMETER = re.compile(r"%\((\w+)\)s|%%")


def init_engine(engine: Engine) -> None:
    event.listen(engine, "before_cursor_execute", execute_prepared, retval=True)
    event.listen(engine, "handle_error", outdated)


def execute_prepared(
    connection: Connection,
    cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    executemany: bool,
) -> tuple[str, Any]:
    """Run the prepared form of a statement; prepare it, if the connection has not seen it yet."""
    if not context or not context.execution_options.get("prepared") or executemany:
        return statement, parameters
    prepare, execute = forms(statement)
    prepared = connection.connection.info.setdefault("prepared", set())
    if prepare not in prepared:
        cursor.execute(prepare)
        prepared.add(prepare)
    return execute, parameters


@lru_cache(maxsize=500)
def forms(statement: str) -> tuple[str, str]:
    """The PREPARE and the EXECUTE of a statement with parameters like `%(name)s`."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] is None:
            return "%"
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    sql = PARAMETER.sub(number, statement)
    name = f"s{sha256(sql.encode()).hexdigest()[:16]}"
    values = ", ".join(f"%({each})s" for each in names)
    return f"PREPARE {name} AS {sql}", f"EXECUTE {name} ({values})" if names else f"EXECUTE {name}"


def outdated(context: ExceptionContext) -> None:
    """A migration changed what a prepared statement returns: take a new connection."""
    if isinstance(context.original_exception, FeatureNotSupported):
        context.is_disconnect = True
