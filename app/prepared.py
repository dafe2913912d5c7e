"""Prepared statements: what a request asks PostgreSQL is parsed once a connection.

psycopg2 has none of its own. A statement asks for it by `execution_options(prepared=True)`, and has
to be one that is made once and kept, because PostgreSQL keeps it as long as the connection. What is
needed of SQLAlchemy to run it is kept too: docs/decisions/0010-who-asks-postgresql-and-how.md.
Behind a pooler of transactions nothing is prepared, and all else is the same.

It is a statement of tables, and not of models: it returns `Rows`. Columns and parameters have the
types that they are declared with; a parameter that is compared with nothing is a text.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from psycopg2.errors import (
    DivisionByZero,
    DuplicatePreparedStatement,
    FeatureNotSupported,
    InvalidSqlStatementName,
)
from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine import ExceptionContext

from app import driver
from app.rows import Rows
from app.statement import Statement

OUTDATED = (FeatureNotSupported, InvalidSqlStatementName, DuplicatePreparedStatement)


class Unmet(Exception):  # noqa: N818
    """Something that a transaction requires is not so."""


class PreparingConnection(Connection):
    """Runs prepared statements by the driver's own cursor, and all others as ever."""

    # Whether something was: then it isn't a fault when that divides by zero.
    required = False

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        prepared = statement.get_execution_options().get("prepared")
        # Who listens to an engine's cursors expects the context of SQLAlchemy's own way.
        watched = self.engine.dispatch.before_cursor_execute
        if not prepared or isinstance(parameters, list) or watched:
            return super().execute(statement, parameters, **options)
        kept = self._kept(statement)

        def run(cursor: driver.Cursor, bound: dict[str, Any]) -> Rows:
            cursor.execute(kept.execute, bound)
            return kept.result(cursor)

        return self._ask(kept, kept.prepare, parameters or {}, run)

    def defer(self, statement: Any, parameters: Mapping[str, Any]) -> None:
        """Run a prepared statement before the next one, or the COMMIT; its result is lost."""
        kept = self._kept(statement)
        self._ask(
            kept, kept.prepare, parameters, lambda cursor, bound: cursor.defer(kept.execute, bound)
        )

    def require(self, statement: Any, parameters: Mapping[str, Any]) -> None:
        """Have the next statement raise `Unmet`, and not be run, unless this one returns a row."""
        self.required = True
        kept = self._kept(statement)
        prepare, execute = kept.required
        self._ask(kept, prepare, parameters, lambda cursor, bound: cursor.require(execute, bound))

    def make_sure(self) -> None:
        """Ask for what is required, unless a statement has done so.

        Raises:
            Unmet: something of it isn't so.
        """
        opened: Any = self.connection.dbapi_connection
        if opened.required:
            self.exec_driver_sql("SELECT 1")

    def _kept(self, statement: Any) -> Statement:
        return kept_form(statement, self.dialect, self.get_execution_options().get("pooled", False))

    def _ask(
        self,
        kept: Statement,
        prepare: str | None,
        values: Mapping[str, Any],
        act: Callable[[driver.Cursor, dict[str, Any]], Any],
    ) -> Any:
        if not self.get_execution_options().get("reading") and not self.in_transaction():
            self.begin()
        cursor: Any = None
        try:
            bound = kept.bound(values)
            cursor = self.connection.cursor()
            if prepare:
                self._prepare(prepare, cursor)
            result = act(cursor, bound)
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
    event.listen(engine, "handle_error", unmet)


@lru_cache(maxsize=500)
def kept_form(statement: Any, dialect: Dialect, pooled: bool) -> Statement:
    return Statement(statement, dialect, pooled)


def unmet(context: ExceptionContext) -> None:
    """Tell what was required and isn't so from other errors."""
    connection: Any = context.connection
    if isinstance(context.original_exception, DivisionByZero) and connection.required:
        raise Unmet


def outdated(context: ExceptionContext) -> None:
    """The connection is not what it was: a migration changed what a prepared statement returns,
    or somebody has discarded what was prepared. Take a new one."""
    if isinstance(context.original_exception, OUTDATED):
        context.is_disconnect = True
