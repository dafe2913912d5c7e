"""One row, for a change; and what the database says when it can't be."""

from collections.abc import Container
from typing import TypeVar

from sqlalchemy import Select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.base import Versioned, etag
from services.errors import NotFound, PreconditionFailed

Row = TypeVar("Row", bound=Versioned)
IfMatch = Container[str] | None


def locked(session: Session, statement: Select[Row], if_match: IfMatch = None) -> Row:
    """The row that `statement` selects, locked until the transaction ends.

    Nobody can change it between the look at its version and the write, and the write names the
    version once more in its WHERE (`version_id_col`).

    Raises:
        NotFound: no such row.
        PreconditionFailed: its version is not one that the client has seen (RFC 9110, 13.1.1).
    """
    entity = statement.column_descriptions[0]["entity"]
    # What the transaction has read before the lock may be old by now.
    fresh = statement.with_for_update(of=entity).execution_options(populate_existing=True)
    row = session.scalar(fresh)
    if row is None:
        raise NotFound
    if if_match is not None and etag(row) not in if_match:
        raise PreconditionFailed
    return row


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint that refused a row."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)
