"""Prepared statements: what a request asks PostgreSQL is parsed once a connection.

psycopg2 has none of its own. A statement asks for it by `execution_options(prepared=True)`, and has
to be one that is made once and kept, because PostgreSQL keeps it as long as the connection. What is
needed of SQLAlchemy to run it is kept too: docs/decisions/0010-who-asks-postgresql-and-how.md.

It is a statement of tables, and not of models: it returns `Rows`. Columns and parameters have the
types that they are declared with; a parameter that is compared with nothing is a text.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from psycopg2.errors import (
    DuplicatePreparedStatement,
    FeatureNotSupported,
    InvalidSqlStatementName,
)
from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidRequestError

from app.rows import Columns, Rows

OUTDATED = (FeatureNotSupported, InvalidSqlStatementName, DuplicatePreparedStatement)
PARAMETER = re.compile(r"%\((\w+)\)s|%%")


class Statement:
    """The SQL of a statement that is kept, and how its values and its rows are converted."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.prepare, self.execute = forms(str(compiled))
        self.values = compiled.params
        names = compiled.bind_names.items()
        self.required = frozenset(name for bind, name in names if bind.required)
        binds = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in names
        }
        self.binds = [(name, convert) for name, convert in binds.items() if convert]
        # Of text, which may return nothing, only some have been given types.
        self.results = {
            column.name: column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in getattr(statement, "exported_columns", ())
        }
        self._columns: dict[tuple[str, ...], Columns] = {}

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the driver takes them.

        Raises:
            InvalidRequestError: one is missing.
        """
        if not self.required <= values.keys():
            raise InvalidRequestError(f"no value for {sorted(self.required - values.keys())}")
        bound = {**self.values, **values}
        for name, convert in self.binds:
            bound[name] = convert(bound[name])
        return bound

    def result(self, cursor: Any) -> Rows:
        """What the cursor has, all of it, in the types of the columns."""
        if cursor.description is None:
            return Rows([])
        columns = self.columns(tuple(column.name for column in cursor.description))
        return Rows([columns.row(values) for values in cursor.fetchall()])

    def columns(self, names: tuple[str, ...]) -> Columns:
        """After a migration, a statement with `*` in it has others."""
        if names not in self._columns:
            self._columns[names] = Columns(names, [self.results.get(name) for name in names])
        return self._columns[names]


class PreparingConnection(Connection):
    """Runs prepared statements by the driver's own cursor, and all others as ever."""

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        prepared = statement.get_execution_options().get("prepared")
        # Who listens to the cursor expects the context of SQLAlchemy's own way.
        if not prepared or isinstance(parameters, list) or self.dispatch.before_cursor_execute:
            return super().execute(statement, parameters, **options)
        if not self.get_execution_options().get("reading") and not self.in_transaction():
            self.begin()
        kept = kept_form(statement, self.dialect)
        return self._run(kept, parameters or {})

    def _run(self, kept: Statement, values: Mapping[str, Any]) -> Rows:
        cursor = None
        try:
            bound = kept.bound(values)
            cursor = self.connection.cursor()
            self._prepare(kept.prepare, cursor)
            cursor.execute(kept.execute, bound)
            result = kept.result(cursor)
            cursor.close()
        except BaseException as error:
            self._handle_dbapi_exception(error, kept.execute, values, cursor, None)
        return result

    def _prepare(self, statement: str, cursor: Any) -> None:
        prepared = self.info.setdefault("prepared", set())
        if statement not in prepared:
            cursor.execute(statement)
            prepared.add(statement)


def init_engine(engine: Engine) -> None:
    engine._connection_cls = PreparingConnection
    event.listen(engine, "handle_error", outdated)


@lru_cache(maxsize=500)
def kept_form(statement: Any, dialect: Dialect) -> Statement:
    return Statement(statement, dialect)


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
    """The connection is not what it was: a migration changed what a prepared statement returns,
    or somebody has discarded what was prepared. Take a new one."""
    if isinstance(context.original_exception, OUTDATED):
        context.is_disconnect = True
