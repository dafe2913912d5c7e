"""Who is asking."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update

from models.base import Reader, Transaction, table
from models.sessions import AuthSession
from models.users import Role, Scope, User
from services.errors import Unauthenticated


@dataclass(frozen=True)
class Principal:
    """A user's id and role, and the session that the request came by."""

    id: str
    session_id: str
    role: Role

    def may(self, scope: Scope) -> bool:
        return scope in self.role.scopes


users, sessions = table(User), table(AuthSession)
SIGNED_IN = (
    select(users, sessions.c.writes.label("session_writes"))
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
AS_CLAIMED = (
    SIGNED_IN.with_only_columns(users.c.id, maintain_column_froms=True)
    .where(users.c.role == bindparam("role"))
    .execution_options(prepared=True)
)
OF_SESSION = sessions.c.id == bindparam("session_id")
WRITES = select(sessions.c.writes).where(OF_SESSION).execution_options(prepared=True)
COUNT = (
    update(sessions)
    .where(sessions.c.id == bindparam("writer"))
    .values(writes=sessions.c.writes + 1)
    .execution_options(prepared=True)
)


def authenticate(session: Reader, user_id: str, session_id: str) -> Row[Any]:
    """The user that a verified access token names, and `session_writes`.

    Asked at every request, so that signing out, a new password, deactivation and demotion act on
    the very next one.

    Raises:
        Unauthenticated: the session has ended, or the user is not active.
    """
    claims = {"user_id": user_id, "session_id": session_id}
    user = session.execute(SIGNED_IN, claims).one_or_none()
    if user is None:
        raise Unauthenticated
    return user


def confirm(connection: Transaction, principal: Principal) -> None:
    """Require that a principal is signed in, and has this role."""
    connection.require(
        AS_CLAIMED,
        {"user_id": principal.id, "session_id": principal.session_id, "role": principal.role},
    )


def count_write(connection: Transaction, principal: Principal) -> None:
    """Note that the principal's session has written; the last statement of that transaction."""
    connection.defer(COUNT, {"writer": principal.session_id})


def has_seen(replica: Reader, session_id: str, writes: int) -> bool:
    """Whether a replica has all that a session, and who opened it, had written by then.

    A transaction comes to a replica as a whole, and after all that were committed before it. A
    session that was opened just now isn't there at all.
    """
    there = replica.execute(WRITES, {"session_id": session_id}).scalar_one_or_none()
    return there is not None and there >= writes
