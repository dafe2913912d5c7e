"""Sessions: open, refresh, list and end them."""

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from loguru import logger
from sqlalchemy import (
    ColumnElement,
    Interval,
    Row,
    bindparam,
    cast,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from models.base import table
from models.events import EventType
from models.sessions import SESSION_ID, AuthSession
from models.users import User
from services import events, pages
from services.errors import (
    InvalidRefreshToken,
    NotFound,
    RefreshSuperseded,
    RefreshTokenReused,
)
from services.principals import Actor, Principal

LIFETIME = timedelta(days=30)
# A repeated exchange of a refresh token within this time does not count as theft: the response may
# have been lost, or the client may use two browser tabs.
GRACE = timedelta(seconds=10)


class SessionSelection(StrEnum):
    """The sessions to end, relative to the current one."""

    CURRENT = "current"
    ALL = "all"
    OTHERS = "others"


@dataclass(frozen=True)
class Client:
    """The origin of a sign-in, which the list of sessions shows."""

    ip_address: str | None
    user_agent: str | None


@dataclass(frozen=True)
class Grant:
    """The data of new tokens: `token_id` is the secret part of the refresh token."""

    user_id: str
    session_id: str
    token_id: str
    repeated: bool = False


auth_sessions, users = table(AuthSession), table(User)
ALIVE = auth_sessions.c.revoked_at.is_(None) & (auth_sessions.c.expires_at > func.now())
SIGNED_IN_AT = select(
    exists().where(
        users.c.email == bindparam("email"),
        users.c.id == auth_sessions.c.user_id,
        ALIVE,
        cast(auth_sessions.c.ip_address, INET).op("<<=")(cast(bindparam("network"), INET)),
    )
).execution_options(prepared=True)
NEW = ("id", "token_hash", "ip_address", "user_agent")
# Locks the user's row. So a password change waits until the sign-in is committed, and then ends the
# new session too.
CONFIRMED = (
    select(
        users.c.id,
        func.now() + cast(LIFETIME, Interval),
        *(bindparam(name, type_=auth_sessions.c[name].type) for name in NEW),
    )
    .where(
        users.c.id == bindparam("user_id"),
        users.c.is_active,
        users.c.password_hash == bindparam("password_hash"),
        users.c.second_factor == bindparam("second_factor"),
    )
    .with_for_update(read=True)
)
OPEN = (
    insert(auth_sessions)
    .from_select(["user_id", "expires_at", *NEW], CONFIRMED)
    .returning(auth_sessions.c.id)
    .execution_options(prepared=True)
)


def is_signed_in_at(session: Session, email: str, network: str) -> bool:
    """Return whether the account has a session from an address of the network."""
    values = {"email": email, "network": network}
    return bool(session.execute(SIGNED_IN_AT, values).scalar_one())


def open_session(
    session: Session, user: Row[Any] | User, password_hash: str, client: Client
) -> Grant:
    """Open a session for a user whose password was verified.

    Raises:
        StaleDataError: the account changed since it was read; the request is retried.
    """
    grant = Grant(user.id, SESSION_ID.new(), secrets.token_urlsafe(24))
    known = {"password_hash": password_hash, "second_factor": user.second_factor}
    opened = {"user_id": user.id, "id": grant.session_id, "token_hash": _hash(grant.token_id)}
    if session.execute(OPEN, {**known, **opened, **asdict(client)}).one_or_none() is None:
        raise StaleDataError("The account changed during the sign-in.")
    return grant


def refresh(
    session: Session, user_id: str, session_id: str, token_id: str, successor: str
) -> Grant:
    """Exchange a refresh token for its successor.

    The exchange is one atomic statement, so parallel requests get one successor. The caller derives
    `successor` from the token, so a repeated exchange, such as after a lost response, returns the
    same successor.

    Raises:
        RefreshSuperseded: the token was just exchanged for a successor from another signing key.
        RefreshTokenReused: the token was used before; the caller must call `end_reused`.
        InvalidRefreshToken: the session has ended.
    """
    exchanged = session.execute(
        update(AuthSession)
        .where(
            AuthSession.id == session_id,
            AuthSession.user_id == user_id,
            AuthSession.token_hash == _hash(token_id),
            User.id == AuthSession.user_id,
            User.is_active,
            ALIVE,
        )
        .values(
            token_hash=_hash(successor),
            previous_token_hash=AuthSession.token_hash,
            refreshed_at=func.now(),
            expires_at=func.now() + LIFETIME,
        )
        .returning(AuthSession.id)
    ).scalar()
    if exchanged is None:
        _check_repeat(session, session_id, token_id, successor)
    return Grant(user_id, session_id, successor, repeated=exchanged is None)


def _check_repeat(session: Session, session_id: str, token_id: str, successor: str) -> None:
    """Raise unless the token was exchanged for this successor within the grace period."""
    recent = AuthSession.refreshed_at > func.clock_timestamp() - GRACE
    row = session.execute(
        select(AuthSession.token_hash, AuthSession.previous_token_hash, recent.label("recent"))
        .join(User, User.id == AuthSession.user_id)
        .where(AuthSession.id == session_id, User.is_active, ALIVE)
    ).one_or_none()
    # The exchange fails while the user is deactivated. If the user is reactivated before this
    # query, the row still has the same token.
    if row is None or row.token_hash == _hash(token_id):
        raise InvalidRefreshToken
    if not row.recent or row.previous_token_hash != _hash(token_id):
        raise RefreshTokenReused
    if row.token_hash != _hash(successor):
        raise RefreshSuperseded
    logger.bind(session=session_id).info("Refresh repeated: the same refresh token was issued.")


def end_reused(session: Session, user_id: str, session_id: str, request_id: str) -> None:
    """End a session whose refresh token was reused: a copy of the token exists.

    Call this in a separate transaction, because the error rolls back the request's transaction.
    """
    if _revoke(session, AuthSession.id == session_id):
        reused, actor = EventType.SESSION_REUSE_DETECTED, Actor(request_id=request_id)
        events.record(session, reused, session_id, None, actor, user_id=user_id)
    logger.bind(session=session_id).warning("Refresh token reused: the session has been ended.")


def sign_out(session: Session, principal: Principal, which: SessionSelection) -> None:
    """End the current session, all sessions of the caller, or all others."""
    mine = AuthSession.user_id == principal.id
    wanted = {
        SessionSelection.CURRENT: AuthSession.id == principal.session_id,
        SessionSelection.OTHERS: AuthSession.id != principal.session_id,
    }
    _revoke(session, mine, *([wanted[which]] if which in wanted else []))


def sign_out_everywhere(session: Session, user_id: str) -> None:
    """End all sessions of a user."""
    _revoke(session, AuthSession.user_id == user_id)


MINE = select(auth_sessions).where(AuthSession.user_id == bindparam("user_id"), ALIVE)


def list_mine(session: Session, principal: Principal, page: pages.PageRequest) -> pages.Page:
    """Return a page of the caller's active sessions."""
    return pages.read_page(session, MINE, page, {"user_id": principal.id})


def end(session: Session, principal: Principal, session_id: str) -> None:
    """End one of the caller's sessions.

    Raises:
        NotFound: the session does not exist, belongs to another user, or has ended.
    """
    if not _revoke(session, AuthSession.user_id == principal.id, AuthSession.id == session_id):
        raise NotFound


def _revoke(session: Session, *where: ColumnElement[bool]) -> bool:
    statement = update(AuthSession).where(*where, ALIVE).values(revoked_at=func.now())
    return bool(session.execute(statement.returning(AuthSession.id)).all())


def _hash(token_id: str) -> bytes:
    return hashlib.sha256(token_id.encode()).digest()
