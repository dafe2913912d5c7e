"""Keyset pagination: page 10,000 costs the same as page 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, tuple_
from sqlalchemy.orm import Session

ABSENT = ""  # sorts before every id


@dataclass(frozen=True)
class Position:
    """The position in a list directly after a row."""

    created_at: datetime
    id: str


@dataclass(frozen=True)
class PageRequest:
    limit: int
    after: Position | None

    def from_before(self, moment: datetime) -> PageRequest:
        """Return the request for the page of rows that were created before `moment`.

        The moment replaces an earlier position in the list. With a second upper bound in the
        query, PostgreSQL could start its index scan there and read all rows down to the page.
        """
        if self.after and self.after.created_at < moment:
            return self
        return PageRequest(self.limit, Position(moment, ABSENT))


@dataclass(frozen=True)
class Page:
    items: Sequence[Row[Any]]
    next: Position | None


def newest_first(
    session: Session, statement: Select, request: PageRequest, values: Mapping[str, Any]
) -> Page:
    """Return a page of `statement`, whose rows have `created_at` and `id`, with bound `values`.

    The query fetches one row more than the limit, to know whether there is another page.
    """
    if after := request.after:
        values = {**values, "after_time": after.created_at, "after_id": after.id}
    page = _paged(statement, further=after is not None)
    rows = session.execute(page, {**values, "rows": request.limit + 1}).all()
    items, more = rows[: request.limit], len(rows) > request.limit
    return Page(items, Position(items[-1].created_at, items[-1].id) if more else None)


# Cached, because building a statement takes longer than sending it.
@lru_cache(maxsize=200)
def _paged(statement: Select, *, further: bool) -> Select:
    created_at, row_id = (statement.selected_columns[name] for name in ("created_at", "id"))
    if further:
        time = bindparam("after_time", type_=created_at.type)
        position = tuple_(time, bindparam("after_id", type_=row_id.type))
        statement = statement.where(tuple_(created_at, row_id) < position)
    return statement.order_by(created_at.desc(), row_id.desc()).limit(bindparam("rows"))
