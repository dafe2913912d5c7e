"""Signing in, staying signed in, signing out."""

import hashlib
import secrets
from collections.abc import Container
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from loguru import logger
from sqlalchemy import ColumnElement, Interval, Row, bindparam, cast, func, insert, select, update
from sqlalchemy.orm import Session

from models.base import table
from models.sessions import SESSION_ID, AuthSession
from models.users import User
from services import pages, passwords
from services.errors import (
    InvalidRefreshToken,
    NotFound,
    RefreshSuperseded,
    RefreshTokenReused,
    WrongCredentials,
)
from services.principals import Principal

LIFETIME = timedelta(days=30)
# Two tabs or a double click refresh with one token; that is no theft.
GRACE = timedelta(seconds=10)


class Which(StrEnum):
    """The sessions to sign out, seen from the one that asks."""

    CURRENT = "current"
    ALL = "all"
    OTHERS = "others"


@dataclass(frozen=True)
class Client:
    """Where a sign-in comes from, as it is shown to the user."""

    ip_address: str | None
    user_agent: str | None


@dataclass(frozen=True)
class Grant:
    """What tokens are made of: `token_id` is the secret part of the new refresh token."""

    user_id: str
    session_id: str
    token_id: str
    role: str


users, auth_sessions = table(User), table(AuthSession)
BY_EMAIL = (
    select(users)
    .where(users.c.email == bindparam("email"), users.c.is_active)
    .execution_options(prepared=True)
)
# The lock lets a change of password wait for this sign-in, so that it ends this session too.
CURRENT_HASH = (
    select(users.c.password_hash)
    .where(users.c.id == bindparam("user_id"), users.c.is_active)
    .with_for_update(read=True)
    .execution_options(prepared=True)
)
OPEN = (
    insert(auth_sessions)
    .values(
        {name: bindparam(name) for name in ("id", "user_id", "token_hash")}
        | {name: bindparam(name) for name in ("ip_address", "user_agent")}
        | {"expires_at": func.now() + cast(LIFETIME, Interval)}
    )
    .execution_options(prepared=True)
)


def sign_in(
    session: Session, email: str, password: str, client: Client, refused: Container[str] = ()
) -> Grant:
    """Open a session.

    Raises:
        WrongCredentials: wrong password, unknown or inactive account; which one is not told.
    """
    with passwords.slots:  # a sign-in that waits for a core holds no connection
        user = session.execute(BY_EMAIL, {"email": email}).one_or_none()
        password_hash = user.password_hash if user else None
        if not passwords.matches(password, password_hash, refused) or user is None:
            raise WrongCredentials
        _recheck(session, user, password)
    grant = Grant(user.id, SESSION_ID.new(), _new_token_id(), user.role)
    values = {"user_id": user.id, "id": grant.session_id, "token_hash": _hash(grant.token_id)}
    session.execute(OPEN, {**values, **asdict(client)})
    return grant


def _recheck(session: Session, user: Row[Any], password: str) -> None:
    """Look again, at what may have changed while the password was hashed."""
    password_hash = session.execute(CURRENT_HASH, {"user_id": user.id}).scalar_one_or_none()
    if password_hash is None:
        raise WrongCredentials
    if password_hash != user.password_hash and not passwords.matches(password, password_hash):
        raise WrongCredentials
    if passwords.outdated(password_hash):
        session.get_one(User, user.id).password_hash = passwords.hashed(password)
        session.flush()


def refresh(session: Session, user_id: str, session_id: str, token_id: str) -> Grant:
    """Exchange a refresh token for a new one.

    One atomic statement does it, so of many parallel uses exactly one wins.

    Raises:
        RefreshSuperseded: it is the direct predecessor of the current one, exchanged just now.
        RefreshTokenReused: it was used before; the caller must call `end_reused`.
        InvalidRefreshToken: the session has ended already.
    """
    successor = _new_token_id()
    role = session.execute(
        update(AuthSession)
        .where(
            AuthSession.id == session_id,
            AuthSession.user_id == user_id,
            AuthSession.token_hash == _hash(token_id),
            User.id == AuthSession.user_id,
            User.is_active,
            _alive(),
        )
        .values(
            token_hash=_hash(successor),
            previous_token_hash=AuthSession.token_hash,
            refreshed_at=func.now(),
            expires_at=func.now() + LIFETIME,
        )
        .returning(User.role)
    ).scalar()
    if role is None:
        raise _refused(session, session_id, token_id)
    return Grant(user_id, session_id, successor, role)


def _refused(session: Session, session_id: str, token_id: str) -> Exception:
    recent = AuthSession.refreshed_at > func.clock_timestamp() - GRACE
    row = session.execute(
        select(
            AuthSession.token_hash, AuthSession.previous_token_hash, recent.label("recent")
        ).where(AuthSession.id == session_id, _alive())
    ).one_or_none()
    if row is None or row.token_hash == _hash(token_id):  # the latter: of an inactive user
        return InvalidRefreshToken()
    if row.recent and row.previous_token_hash == _hash(token_id):
        return RefreshSuperseded()
    return RefreshTokenReused()


def end_reused(session: Session, session_id: str) -> None:
    """End a session whose refresh token was used twice: there is a copy of it.

    Call this in a transaction of its own, because the error response rolls back the request's.
    """
    _revoke(session, AuthSession.id == session_id)
    logger.bind(session=session_id).warning("Refresh token reused: the session has been ended.")


def sign_out(session: Session, principal: Principal, which: Which) -> None:
    """End this session, all sessions of the user, or all but this one."""
    mine = AuthSession.user_id == principal.id
    wanted = {
        Which.CURRENT: AuthSession.id == principal.session_id,
        Which.OTHERS: AuthSession.id != principal.session_id,
    }
    _revoke(session, mine, *([wanted[which]] if which in wanted else []))


def sign_out_everywhere(session: Session, user_id: str) -> None:
    """End all sessions of a user."""
    _revoke(session, AuthSession.user_id == user_id)


def _alive() -> ColumnElement[bool]:
    return AuthSession.revoked_at.is_(None) & (AuthSession.expires_at > func.now())


MINE = select(auth_sessions).where(AuthSession.user_id == bindparam("user_id"), _alive())


def list_mine(session: Session, principal: Principal, page: pages.PageRequest) -> pages.Page:
    """Where the user is signed in."""
    return pages.newest_first(session, MINE, page, {"user_id": principal.id})


def end(session: Session, principal: Principal, session_id: str) -> None:
    """End one of the user's sessions.

    Raises:
        NotFound: it is not the user's, or has ended.
    """
    if not _revoke(session, AuthSession.user_id == principal.id, AuthSession.id == session_id):
        raise NotFound


def _revoke(session: Session, *where: ColumnElement[bool]) -> bool:
    statement = update(AuthSession).where(*where, _alive()).values(revoked_at=func.now())
    return bool(session.execute(statement.returning(AuthSession.id)).all())


def _new_token_id() -> str:
    return secrets.token_urlsafe(24)


def _hash(token_id: str) -> bytes:
    return hashlib.sha256(token_id.encode()).digest()
