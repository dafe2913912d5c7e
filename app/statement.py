"""A statement that is made once and kept: its SQL, and how values and rows are converted."""

import re
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.exc import InvalidRequestError

from app.rows import Columns, Rows

PARAMETER = re.compile(r"%\((\w+)\)s|%%")


class Statement:
    """What is needed of SQLAlchemy to run a statement, found out once.

    Behind a pooler of transactions (`pooled`) it is sent as it is, and not prepared.
    """

    def __init__(self, statement: Any, dialect: Dialect, pooled: bool) -> None:
        compiled = statement.compile(dialect=dialect)
        self.pooled = pooled
        self.sql = str(compiled)
        self.prepare, self.execute = forms(self.sql, pooled)
        self.values = compiled.params
        names = compiled.bind_names.items()
        self.needed = frozenset(name for bind, name in names if bind.required)
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

    @cached_property
    def required(self) -> tuple[str | None, str]:
        """The forms of a statement that fails where this one returns no row."""
        sql = f"SELECT 1 / count(*) FROM ({self.sql}) AS required"  # noqa: S608
        return forms(sql, self.pooled)

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the driver takes them.

        Raises:
            InvalidRequestError: one is missing.
        """
        if not self.needed <= values.keys():
            raise InvalidRequestError(f"no value for {sorted(self.needed - values.keys())}")
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


def forms(statement: str, pooled: bool = False) -> tuple[str | None, str]:
    """The PREPARE, if any, and the EXECUTE of a statement with parameters like `%(name)s`."""
    if pooled:
        return None, statement
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
