"""Who is asking."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.sessions import AuthSession
from models.users import Role, Scope, User
from services.errors import Unauthenticated


@dataclass(frozen=True)
class Principal:
    """A user, and the session that the request came by."""

    user: User
    session_id: str

    @property
    def id(self) -> str:
        return self.user.id

    def may(self, scope: Scope) -> bool:
        return scope in Role(self.user.role).scopes


def authenticate(session: Session, user_id: str, session_id: str) -> Principal:
    """The principal that a verified access token names.

    Asked at every request, so that signing out, a new password, deactivation and demotion act on
    the very next one.

    Raises:
        Unauthenticated: the session has ended, or the user is not active.
    """
    user = session.scalar(
        select(User)
        .join(AuthSession, AuthSession.user_id == User.id)
        .where(
            AuthSession.id == session_id,
            AuthSession.user_id == user_id,
            AuthSession.revoked_at.is_(None),
            AuthSession.expires_at > func.now(),
            User.is_active,
        )
    )
    if user is None:
        raise Unauthenticated
    return Principal(user, session_id)
