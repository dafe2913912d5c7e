"""Prepared statements: PostgreSQL parses a statement once per connection, and can reuse its plan.

psycopg2 has no API for them. `execution_options(prepared=True)` prepares a statement. Its SQL text
must be constant, because PostgreSQL keeps each text until the connection closes. PostgreSQL infers
the type of a parameter from the column or CAST next to it; otherwise the type is text. Behind a
transaction pooler, no statement is prepared. See docs/decisions/0009-prepared-statements.md.
"""

import re
from functools import lru_cache
from hashlib import sha256
from typing import Any

from psycopg2.errors import FeatureNotSupported, InvalidSqlStatementName
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

PARAMETER = re.compile(r"%\((\w+)\)s")
OUTDATED = (FeatureNotSupported, InvalidSqlStatementName)


def init_engine(engine: Engine) -> None:
    event.listen(engine, "before_cursor_execute", prepare, retval=True)
    event.listen(engine, "handle_error", forget_unfinished)
    event.listen(engine, "handle_error", replace_outdated)


def prepare(
    connection: Connection, _cursor: Any, sql: str, parameters: Any, context: Any, _many: bool
) -> tuple[str, Any]:
    """Replace the SQL by EXECUTE; the first time on a connection, send PREPARE before it."""
    if not context.execution_options.get("prepared"):
        return sql, parameters
    name, preparation, execution = forms(sql)
    if "prepared" not in connection.info:  # a new connection, or after an error
        connection.info["prepared"] = set()
        preparation = f"DEALLOCATE ALL; {preparation}"
    prepared: set[str] = connection.info["prepared"]
    if name in prepared:
        return execution, parameters
    prepared.add(name)
    return f"{preparation}; {execution}", parameters


@lru_cache(maxsize=500)
def forms(sql: str) -> tuple[str, str, str]:
    """Return the name, PREPARE and EXECUTE for SQL with parameters such as `%(name)s`."""
    names = list(dict.fromkeys(PARAMETER.findall(sql)))
    numbered = PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", sql)
    name = f"s{sha256(sql.encode()).hexdigest()[:16]}"
    values = ", ".join(f"%({each})s" for each in names)
    execution = f"EXECUTE {name} ({values})" if names else f"EXECUTE {name}"
    return name, f"PREPARE {name} AS {numbered}", execution


def forget_unfinished(context: ExceptionContext) -> None:
    """If SQL with PREPARE fails, forget the prepared statements, so that they are prepared again.

    PostgreSQL may have prepared the statement before the error.
    """
    if context.connection and (context.statement or "").startswith(("PREPARE ", "DEALLOCATE ")):
        context.connection.info.pop("prepared", None)


def replace_outdated(context: ExceptionContext) -> None:
    """Reconnect if a prepared statement is missing, or a migration has changed its result type."""
    sent = context.statement or ""
    prepared = sent.startswith(("DEALLOCATE ", "PREPARE ", "EXECUTE "))
    if prepared and isinstance(context.original_exception, OUTDATED):
        context.is_disconnect = True
