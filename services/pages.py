"""Keyset pagination: page 10,000 costs the same as page 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, tuple_
from sqlalchemy.orm import Session

from services.errors import InvalidInput

ABSENT = ""  # sorts before every id
# A position in a list, directly after a row: the values of the sort columns in this row. Times are
# ISO 8601 text, as in a cursor.
Position = tuple[str | int, ...]


@dataclass(frozen=True)
class Sort:
    """Order of a list, by columns whose values together are unique."""

    columns: tuple[str, ...]
    descending: bool = True


NEWEST = Sort(("created_at", "id"))
# Number of rows that `read_all` reads with one query.
BATCH = 100


@dataclass(frozen=True)
class PageRequest:
    limit: int
    after: Position | None

    def from_before(self, moment: datetime) -> PageRequest:
        """Return the request for the page of rows that were created before `moment`.

        `moment` replaces the position of a newer row, so that the query has one upper bound. With
        two bounds, PostgreSQL could start its index scan at the newer one, far from the page.
        """
        if self.after and len(self.after) != len(NEWEST.columns):
            return self  # the cursor has another sort order: `fetch` rejects it
        if self.after and datetime.fromisoformat(str(self.after[0])) < moment:
            return self
        return PageRequest(self.limit, (moment.isoformat(), ABSENT))


@dataclass(frozen=True)
class Page:
    items: Sequence[Row[Any]]
    next: Position | None
    # The position at the end of this page; an empty page has the position of its start.
    end: Position | None = None


def read_page(
    session: Session,
    statement: Select,
    request: PageRequest,
    values: Mapping[str, Any],
    sort: Sort = NEWEST,
) -> Page:
    """Return a page of `statement` in the order of `sort`, with bound `values`."""
    page = _paged(statement, sort, has_cursor=request.after is not None)
    return fetch(session, page, request, values, sort)


def read_all(
    session: Session, statement: Select, values: Mapping[str, Any], sort: Sort = NEWEST
) -> Iterator[Row[Any]]:
    """Yield all rows of `statement` in batches, so that a worker serves other requests meanwhile.

    A single query of many rows could reach the statement timeout.
    """
    request: PageRequest | None = PageRequest(BATCH, None)
    while request:
        page = read_page(session, statement, request, values, sort)
        yield from page.items
        request = PageRequest(BATCH, page.next) if page.next else None


def fetch(
    session: Session, page: Select, request: PageRequest, values: Mapping[str, Any], sort: Sort
) -> Page:
    """Return the page of a statement that was built with `after` and `first`.

    The query fetches one row more than the limit, to know whether there is another page.
    """
    if request.after:
        if len(request.after) != len(sort.columns):  # the sort order depends on the caller's role
            raise InvalidInput.at(["/cursor"], "Not a valid cursor of your list.")
        values = {**values, **dict(zip(_names(sort), request.after, strict=True))}
    rows = session.execute(page, {**values, "rows": request.limit + 1}).all()
    items, more = rows[: request.limit], len(rows) > request.limit
    end = _position(items[-1], sort) if items else request.after
    return Page(items, end if more else None, end)


def _position(row: Row[Any], sort: Sort) -> Position:
    values = [getattr(row, name) for name in sort.columns]
    return tuple(value.isoformat() if isinstance(value, datetime) else value for value in values)


def _names(sort: Sort) -> list[str]:
    return [f"after_{name}" for name in sort.columns]


# Cached, because building a statement takes longer than sending it.
@lru_cache(maxsize=200)
def _paged(statement: Select, sort: Sort, *, has_cursor: bool) -> Select:
    return first(after(statement, sort) if has_cursor else statement, sort)


def after(statement: Select, sort: Sort) -> Select:
    """Return the statement for the rows after a position."""
    columns = _columns(statement, sort)
    pairs = zip(_names(sort), columns, strict=True)
    position = tuple_(*(bindparam(name, type_=column.type) for name, column in pairs))
    row = tuple_(*columns)
    return statement.where(row < position if sort.descending else row > position)


def first(statement: Select, sort: Sort, rows: int | None = None) -> Select:
    """Return the statement for the first `rows` in the order of `sort`; by default, a page."""
    order = [each.desc() if sort.descending else each.asc() for each in _columns(statement, sort)]
    return statement.order_by(*order).limit(bindparam("rows") if rows is None else rows)


def _columns(statement: Select, sort: Sort) -> list[ColumnElement[Any]]:
    return [statement.selected_columns[name] for name in sort.columns]
