"""Row locks, `If-Match` and violated constraints."""

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
    """Return the row that `statement` selects, locked until the transaction ends.

    The lock prevents a change between the check of the version and the UPDATE. The UPDATE checks
    the version again in its WHERE clause (`version_id_col`).

    Raises:
        NotFound: the row does not exist.
        PreconditionFailed: the ETag of the row is not in `if_match` (RFC 9110, section 13.1.1).
    """
    entity = statement.column_descriptions[0]["entity"]
    # Lock FOR NO KEY UPDATE. FOR UPDATE conflicts with the lock FOR KEY SHARE that each writing
    # request has on its user, so two changes of one user would deadlock.
    locking = statement.with_for_update(of=entity, key_share=True)
    # Values that the session has loaded before the lock may be stale.
    fresh = locking.execution_options(populate_existing=True)
    row = session.scalar(fresh)
    if row is None:
        raise NotFound
    if if_match is not None and etag(row) not in if_match:
        raise PreconditionFailed
    return row


def violated_constraint(error: IntegrityError) -> str | None:
    """Return the name of the constraint that a statement violated."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)
