"""API keys: create, list, revoke, authenticate."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from loguru import logger
from sqlalchemy import (
    ColumnElement,
    Interval,
    Row,
    bindparam,
    case,
    cast,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from models.api_keys import API_KEY_ID, APIKey
from models.base import table
from models.events import EventType
from models.users import Role, Scope, User
from services import events, pages
from services.errors import InvalidInput, InvalidToken, NotFound, Problem
from services.key_format import digest, new_key
from services.principals import Actor, Principal, actor_of
from services.service_accounts import owner_of_key

# A live key is not expired and not revoked. With two, a new key can replace the old one without an
# interruption.
MAX_LIVE_KEYS = 2
# A request updates `last_used_at` only if it is older than this.
USE_PRECISION = timedelta(minutes=1)


class TooManyAPIKeys(Problem):
    status, slug, title = 409, "too-many-api-keys", "Too many API keys"
    detail = f"The account already has {MAX_LIVE_KEYS} API keys; revoke one first."
    advice = (
        "To rotate a key, create the second one, use it everywhere, then revoke the first one. "
        "`GET /api/api-keys` shows when each key was last used."
    )


users, keys = table(User), table(APIKey)
LIVE = keys.c.revoked_at.is_(None) & or_(
    keys.c.expires_at.is_(None), keys.c.expires_at > func.now()
)
USE_IS_OUTDATED = or_(
    keys.c.last_used_at.is_(None), keys.c.last_used_at < func.now() - cast(USE_PRECISION, Interval)
)
IS_WRITABLE = func.current_setting("transaction_read_only") == "off"
OWNER_OF_KEY = (
    select(
        users,
        null().label("session_id"),
        keys.c.id.label("api_key_id"),
        keys.c.scopes.label("api_key_scopes"),
        (LIVE & users.c.is_active).label("api_key_is_live"),
        (USE_IS_OUTDATED & IS_WRITABLE).label("use_is_outdated"),
    )
    .join(keys, keys.c.user_id == users.c.id)
    .where(keys.c.digest == bindparam("digest"))
    .execution_options(prepared=True)
)
# Locks the owner for the reason given at `services.principals.WRITING_USER`.
OWNER_OF_WRITING_KEY = OWNER_OF_KEY.with_for_update(read=True, key_share=True, of=users)
SERVICE_ACCOUNT = case((users.c.role == Role.SERVICE, func.split_part(users.c.email, "@", 1)))
SHOWN_KEYS = (
    select(*(column for column in keys.c if column.name != "digest"))
    .add_columns(SERVICE_ACCOUNT.label("service_account"))
    .join(users, users.c.id == keys.c.user_id)
)
VISIBLE_KEYS = SHOWN_KEYS.where(LIVE)
OWN_KEYS = VISIBLE_KEYS.where(keys.c.user_id == bindparam("user_id"))


def find_owner(session: Session, key_digest: bytes, *, writes: bool = False) -> Row[Any]:
    """Return the owner of a key, with the id, scopes and state of the key; see `check_live`.

    Every request runs this query, so that a revocation, a deactivation and a new role take effect
    on the next request. With `writes`, the query locks the owner, so that an erasure waits.

    Raises:
        InvalidToken: the key is unknown.
    """
    statement = OWNER_OF_WRITING_KEY if writes else OWNER_OF_KEY
    owner = session.execute(statement, {"digest": key_digest}).one_or_none()
    if owner is None:
        raise InvalidToken
    return owner


def check_live(owner: Row[Any]) -> None:
    """Raise InvalidToken if the key is expired or revoked, or the owner is not active."""
    if not owner.api_key_is_live:
        raise InvalidToken


def create(
    session: Session,
    principal: Principal,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    service_account: str | None = None,
) -> SimpleNamespace:
    """Create a key for the caller or for a service account; return its row and the `key`.

    Raises:
        Forbidden: the caller may not create keys of service accounts.
        InvalidInput: the caller or the service account lacks one of the scopes.
        TooManyAPIKeys: the owner has two live keys.
    """
    owner = owner_of_key(session, principal, service_account)
    _check_scopes(principal, owner, scopes)
    live = select(func.count()).select_from(keys).where(keys.c.user_id == owner.id, LIVE)
    if session.execute(live).scalar_one() >= MAX_LIVE_KEYS:
        raise TooManyAPIKeys
    key = new_key()
    row = APIKey(
        id=API_KEY_ID.new(),
        user_id=owner.id,
        name=name,
        digest=digest(key),
        scopes=list(scopes),
        created_by=principal.id,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    actor = actor_of(principal)
    events.record(session, EventType.API_KEY_CREATED, row.id, None, actor, user_id=owner.id)
    logger.bind(key=row.id, owner=owner.id, scopes=row.scopes).info("api_key_created")
    # Not VISIBLE_KEYS: by the clock of PostgreSQL, the key may have expired already.
    stored = session.execute(SHOWN_KEYS.where(keys.c.id == row.id)).mappings().one()
    return SimpleNamespace(**stored, key=key)


def _check_scopes(principal: Principal, owner: User, scopes: Sequence[str]) -> None:
    missing = [
        f"/scopes/{i}"
        for i, scope in enumerate(map(Scope, scopes))
        if not principal.may(scope) or scope not in Role(owner.role).scopes
    ]
    if missing:
        raise InvalidInput.at(missing, "You or the owner of the key do not have this scope.")


def list_visible(session: Session, principal: Principal, page: pages.PageRequest) -> pages.Page:
    """Return a page of the caller's live keys; with the scope `users:manage`, of all live keys."""
    if principal.may(Scope.USERS_MANAGE):
        return pages.read_page(session, VISIBLE_KEYS, page, {})
    return pages.read_page(session, OWN_KEYS, page, {"user_id": principal.id})


def get(session: Session, principal: Principal, key_id: str) -> Row[Any]:
    """Return a live key.

    Raises:
        NotFound: the key does not exist, has ended, or belongs to another user.
    """
    statement = VISIBLE_KEYS.where(keys.c.id == key_id, *_visible(principal))
    row = session.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def revoke(session: Session, principal: Principal, key_id: str) -> None:
    """Revoke a live key.

    Raises:
        NotFound: the key does not exist, has ended, or belongs to another user.
    """
    mine = update(keys).where(keys.c.id == key_id, LIVE, *_visible(principal))
    revoked = mine.values(revoked_at=func.now()).returning(keys.c.user_id)
    owner_id = session.scalars(revoked).one_or_none()
    if owner_id is None:
        raise NotFound
    _record_revocation(session, key_id, owner_id, actor_of(principal))


def _record_revocation(session: Session, key_id: str, owner_id: str, actor: Actor) -> None:
    events.record(session, EventType.API_KEY_REVOKED, key_id, None, actor, user_id=owner_id)
    logger.bind(key=key_id, revoked_by=actor.id).info("api_key_revoked")


def list_all_of(session: Session, user_id: str) -> Sequence[Row[Any]]:
    """Return all stored keys of a user, including expired and revoked keys."""
    mine = SHOWN_KEYS.where(keys.c.user_id == user_id).order_by(keys.c.created_at)
    return session.execute(mine).all()


def erase(session: Session, principal: Principal, user_id: str) -> None:
    """Revoke the keys of a user, and erase their names."""
    revoke_all(session, user_id, actor_of(principal))
    session.execute(update(keys).where(keys.c.user_id == user_id).values(name=""))


def revoke_all(session: Session, user_id: str, actor: Actor) -> None:
    """Revoke all live keys of a user."""
    live = update(keys).where(keys.c.user_id == user_id, LIVE).values(revoked_at=func.now())
    for key_id in session.scalars(live.returning(keys.c.id)).all():
        _record_revocation(session, key_id, user_id, actor)


def record_use(session: Session, key_id: str) -> None:
    """Set `last_used_at`, at most once a minute.

    A locked row is skipped, because another request is writing it.
    """
    outdated = select(keys.c.id).where(keys.c.id == key_id, USE_IS_OUTDATED)
    free = outdated.with_for_update(skip_locked=True).scalar_subquery()
    session.execute(update(keys).where(keys.c.id == free).values(last_used_at=func.now()))


def _visible(principal: Principal) -> list[ColumnElement[bool]]:
    """Return the condition by owner, so that queries do not find keys of other users."""
    return [] if principal.may(Scope.USERS_MANAGE) else [keys.c.user_id == principal.id]
