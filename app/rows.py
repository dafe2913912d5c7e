"""What a prepared statement has returned.

SQLAlchemy's `Result` finds out at each statement how its rows are to be made; here that is known.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy.exc import MultipleResultsFound, NoResultFound


class Columns:
    """Makes rows: named tuples, whose values have the types of their columns."""

    def __init__(
        self, names: Sequence[str], converters: Sequence[Callable[[Any], Any] | None]
    ) -> None:
        row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        # Its `_make` counts the values once more.
        self._make = partial(tuple.__new__, row)
        self._converters = [(at, convert) for at, convert in enumerate(converters) if convert]

    def row(self, values: Sequence[Any]) -> Any:
        converted = list(values)
        for at, convert in self._converters:
            converted[at] = convert(converted[at])
        return self._make(converted)


class Rows:
    """All rows of a statement. The methods are those of SQLAlchemy's `Result`."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def all(self) -> list[Any]:
        return self._rows

    def one_or_none(self) -> Any:
        """
        Raises:
            MultipleResultsFound: there are several.
        """
        if len(self._rows) > 1:
            raise MultipleResultsFound
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """
        Raises:
            NoResultFound: there is none.
            MultipleResultsFound: there are several.
        """
        row = self.one_or_none()
        if row is None:
            raise NoResultFound
        return row

    def scalar(self) -> Any:
        """The first value of the first row, None if there is none."""
        return self._rows[0][0] if self._rows else None

    def scalar_one_or_none(self) -> Any:
        """
        Raises:
            MultipleResultsFound: there are several rows.
        """
        row = self.one_or_none()
        return None if row is None else row[0]
