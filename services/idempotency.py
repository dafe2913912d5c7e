"""Idempotency keys: a retry gets the first answer again.

Source: draft-ietf-httpapi-idempotency-key-header.

A key is a row of the very transaction whose answer it keeps, so the two are there together or not
at all. Of two requests with one key the second waits at the primary key until the first has ended.
"""

from dataclasses import dataclass
from datetime import timedelta

from psycopg2.errors import LockNotAvailable
from sqlalchemy import Interval, bindparam, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from models.base import table
from models.idempotency import IdempotencyKey
from services.errors import IdempotencyKeyReused, RequestInFlight
from services.principals import Principal

LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class StoredResponse:
    """An answer as it was sent."""

    status: int
    body: bytes
    location: str | None
    etag: str | None


keys = table(IdempotencyKey)
MINE = (keys.c.user_id == bindparam("owner")) & (keys.c.key == bindparam("name"))
FRESH = {"fingerprint": bindparam("fingerprint"), "created_at": func.now()}
# A key that has outlived its answer is taken as if it were new.
CLAIM = (
    insert(keys)
    .values(user_id=bindparam("user_id"), key=bindparam("key"), **FRESH)
    .on_conflict_do_update(
        index_elements=["user_id", "key"],
        set_={**FRESH, "status": None, "body": None},
        where=keys.c.created_at < func.now() - cast(LIFETIME, Interval),
    )
    .returning(keys.c.key)
    .execution_options(prepared=True)
)
KEEP = (
    update(keys)
    .where(MINE)
    .values({name: bindparam(name) for name in ("status", "body", "location", "etag")})
    .execution_options(prepared=True)
)
KEPT = select(keys).where(MINE)


def claim(
    session: Session, principal: Principal, key: str, fingerprint: bytes
) -> StoredResponse | None:
    """Take the key for this transaction; or the answer that it stands for already.

    Raises:
        IdempotencyKeyReused: the key was used for a request with another fingerprint.
        RequestInFlight: the first request with the key takes longer than the lock timeout.
    """
    values = {"user_id": principal.id, "key": key, "fingerprint": fingerprint}
    try:
        if session.execute(CLAIM, values).scalar() is not None:
            return None
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise RequestInFlight from error
        raise
    return _kept(session, principal, key, fingerprint)


def keep(session: Session, principal: Principal, key: str, response: StoredResponse) -> None:
    """Keep the answer under the key that this transaction has claimed."""
    session.execute(KEEP, {"owner": principal.id, "name": key, **vars(response)})


def _kept(session: Session, principal: Principal, key: str, fingerprint: bytes) -> StoredResponse:
    row = session.execute(KEPT, {"owner": principal.id, "name": key}).one()
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    assert row.status is not None
    assert row.body is not None
    return StoredResponse(row.status, row.body, row.location, row.etag)
