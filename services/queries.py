"""Queries for the rows of one table whose columns have given values."""

from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from models.base import Base, table
from services.errors import NotFound


@cache
def rows(model: type[Base], *names: str) -> Select:
    """Return the query for the rows whose columns `names` have the values bound to these names.

    The statement is cached, because SQLAlchemy takes longer to build it than to run it.
    """
    columns = table(model).c
    return select(table(model)).where(*(columns[name] == bindparam(name) for name in names))


def find(session: Session, model: type[Base], **values: Any) -> Row[Any]:
    """Return the row whose columns have these values.

    Raises:
        NotFound: there is no such row.
    """
    row = session.execute(rows(model, *values), values).one_or_none()
    if row is None:
        raise NotFound
    return row
