"""The caller of a request: user, role, and session or API key."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.orm import Session

from models.base import table
from models.sessions import AuthSession
from models.users import Role, Scope, User
from services.errors import InvalidToken


@dataclass(frozen=True)
class Principal:
    """A user's id and role, with the session of the access token, or with the API key."""

    id: str
    session_id: str | None
    role: Role
    api_key_id: str | None = None
    # Scopes of the API key; None with an access token.
    api_key_scopes: Collection[str] | None = None
    request_id: str | None = None

    def may(self, scope: Scope) -> bool:
        """Return whether the role has the scope and, with an API key, the key has it too."""
        in_key = self.api_key_scopes is None or scope in self.api_key_scopes
        return in_key and scope in self.role.scopes


@dataclass(frozen=True)
class Actor:
    """The cause of an event: a user, an API key, or the service itself, which has no id."""

    id: str | None = None
    request_id: str | None = None


def actor_of(principal: Principal | None) -> Actor:
    """Return the API key, or else the user; without a principal, the service itself."""
    if principal is None:
        return Actor()
    return Actor(principal.api_key_id or principal.id, principal.request_id)


users, sessions = table(User), table(AuthSession)
ACTIVE_USER = (
    select(users, sessions.c.id.label("session_id"), sessions.c.writes.label("session_writes"))
    .join(sessions, sessions.c.user_id == users.c.id)
    .where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.user_id == bindparam("user_id"),
        sessions.c.revoked_at.is_(None),
        sessions.c.expires_at > func.now(),
        users.c.is_active,
    )
    .execution_options(prepared=True)
)
# A writing request locks its user until its commit, so that an erasure waits for the request. A
# request that waits for an erasure then finds no active user.
WRITING_USER = ACTIVE_USER.with_for_update(read=True, key_share=True, of=users)
WRITES = (
    select(sessions.c.writes)
    .where(sessions.c.id == bindparam("session_id"))
    .execution_options(prepared=True)
)


def authenticate(
    session: Session, user_id: str, session_id: str | None, *, writes: bool = False
) -> Row[Any]:
    """Return the active user of a session that has not ended, with `session_writes`.

    Every request runs this query, so that a sign-out, a new password, a deactivation and a new role
    take effect on the next request. With `writes`, the query locks the user, so that an erasure
    waits.

    Raises:
        InvalidToken: the session has ended, or the user is not active.
    """
    claims = {"user_id": user_id, "session_id": session_id}
    user = session.execute(WRITING_USER if writes else ACTIVE_USER, claims).one_or_none()
    if user is None:
        raise InvalidToken
    return user


def count_write(session: Session, principal: Principal) -> None:
    """Count a write of the caller's session, in the last statement of the transaction."""
    session.execute(
        update(AuthSession)
        .where(AuthSession.id == principal.session_id)
        .values(writes=AuthSession.writes + 1),
        execution_options={"synchronize_session": False},
    )


def has_seen(replica: Session, session_id: str, writes: int) -> bool:
    """Return whether a replica has applied the first `writes` writes of a session.

    A replica applies transactions atomically and in the order of their commits, so it then has
    all data of these writes. The replica may not have the row of a new session yet.
    """
    seen = replica.execute(WRITES, {"session_id": session_id}).scalar_one_or_none()
    return seen is not None and seen >= writes
