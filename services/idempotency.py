"""Idempotency keys: a retry gets the first response again.

Source: draft-ietf-httpapi-idempotency-key-header.

The transaction of a request also stores the key and the response, so it commits everything or
nothing. A second request with the same key waits for the first transaction (at most the lock
timeout), because both insert the same primary key.
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
    """The response to the first request with a key."""

    status: int
    body: bytes
    location: str | None
    etag: str | None


keys = table(IdempotencyKey)
OWN_KEY = (keys.c.user_id == bindparam("owner")) & (keys.c.key == bindparam("name"))
FRESH = {"fingerprint": bindparam("fingerprint"), "created_at": func.now()}
# An expired key is overwritten.
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
STORE = (
    update(keys)
    .where(OWN_KEY)
    .values({name: bindparam(name) for name in ("status", "body", "location", "etag")})
    .execution_options(prepared=True)
)
FIND = select(keys).where(OWN_KEY)


def claim(
    session: Session, principal: Principal, key: str, fingerprint: bytes
) -> StoredResponse | None:
    """Claim the key for this transaction, or return the response that is stored under it.

    Raises:
        IdempotencyKeyReused: the key was used for a request with another fingerprint.
        RequestInFlight: the first request with the key is still running after the lock timeout.
    """
    values = {"user_id": principal.id, "key": key, "fingerprint": fingerprint}
    try:
        if session.execute(CLAIM, values).scalar() is not None:
            return None
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise RequestInFlight from error
        raise
    return _stored(session, principal, key, fingerprint)


def store(session: Session, principal: Principal, key: str, response: StoredResponse) -> None:
    """Store the response under the key that this transaction has claimed."""
    session.execute(STORE, {"owner": principal.id, "name": key, **vars(response)})


def _stored(session: Session, principal: Principal, key: str, fingerprint: bytes) -> StoredResponse:
    row = session.execute(FIND, {"owner": principal.id, "name": key}).one()
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    assert row.status is not None
    assert row.body is not None
    return StoredResponse(row.status, row.body, row.location, row.etag)
