"""Keyset pagination: page 10,000 costs what page 1 costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import Session

from models.orders import Order
from models.products import Product
from models.sessions import AuthSession
from models.users import User

ABSENT = ""  # sorts before every id
Listed = TypeVar("Listed", Order, Product, User, AuthSession)


@dataclass(frozen=True)
class Position:
    """The place in a list right after one row."""

    created_at: datetime
    id: str


@dataclass(frozen=True)
class PageRequest:
    limit: int
    after: Position | None

    def from_before(self, moment: datetime) -> PageRequest:
        """The page of what is left when only rows made before `moment` count.

        A moment is a place in the list too. Given to PostgreSQL as a second upper bound, it would
        be where the index is entered, and all down to the page would be read.
        """
        if self.after and self.after.created_at < moment:
            return self
        return PageRequest(self.limit, Position(moment, ABSENT))


@dataclass(frozen=True)
class Page(Generic[Listed]):
    items: Sequence[Listed]
    next: Position | None


def newest_first(
    session: Session,
    model: type[Listed],
    statement: Select[Listed],
    request: PageRequest,
) -> Page[Listed]:
    """One page of `statement`; a row more than asked is fetched, to know whether that was all."""
    key = tuple_(model.created_at, model.id)
    if after := request.after:
        here = (
            literal(after.created_at, model.created_at.type),
            literal(after.id, model.id.type),
        )
        statement = statement.where(key < tuple_(*here))
    statement = statement.order_by(model.created_at.desc(), model.id.desc())
    rows = session.scalars(statement.limit(request.limit + 1)).all()
    items = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(items, Position(items[-1].created_at, items[-1].id) if more else None)
