"""Accounts."""

from collections.abc import Container, Mapping
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from models.users import Role, User
from services import pages, passwords, queries, sessions
from services.errors import EmailTaken, InvalidInput, LastAdmin
from services.locking import IfMatch, locked, violated
from services.principals import Principal, authenticate


def register(
    session: Session,
    email: str,
    password: str,
    name: str = "",
    phone: str | None = None,
    role: Role = Role.USER,
    refused: Container[str] = (),
) -> User:
    """Open an account.

    Raises:
        EmailTaken: there is one with this address.
        InvalidInput: the password is a common one, or one of `refused`.
    """
    passwords.refuse_common(password, "/password", refused)
    user = User(
        email=email, password_hash=passwords.hashed(password), name=name, phone=phone, role=role
    )
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        if violated(error) == "uq_users_email":
            raise EmailTaken from error
        raise
    return user


def update_profile(
    session: Session, principal: Principal, changes: Mapping[str, Any], if_match: IfMatch = None
) -> User:
    """Change one's own name or phone."""
    return _update(session, principal.id, changes, if_match)


def hash_new_password(known_hash: str, current: str, new: str, refused: Container[str] = ()) -> str:
    """Return the hash of a new password.

    This takes long and uses no database, so call it without an open transaction.

    Raises:
        InvalidInput: `current` is not the password, or `new` is a common one or `refused`.
    """
    passwords.refuse_common(new, "/new_password", refused)
    if not passwords.matches(current, known_hash):
        raise InvalidInput.at(["/current_password"], "This is not your password.")
    return passwords.hashed(new)


def change_password(session: Session, principal: Principal, known_hash: str, new_hash: str) -> None:
    """Set a new password, and end all other sessions.

    Raises:
        InvalidToken: the caller's session ended since the request began.
        StaleDataError: `known_hash` is no longer the current one; the request is retried.
    """
    user = locked(session, select(User).where(User.id == principal.id))
    authenticate(session, principal.id, principal.session_id)
    if user.password_hash != known_hash:
        raise StaleDataError("The password changed since it was read.")
    user.password_hash = new_hash
    sessions.sign_out(session, principal, sessions.Which.OTHERS)


def list_all(session: Session, page: pages.PageRequest, filters: Mapping[str, Any]) -> pages.Page:
    """All accounts, those that have all the values of `filters`."""
    return pages.newest_first(session, queries.rows(User, *filters), page, filters)


def get(session: Session, user_id: str) -> Row[Any]:
    """One account.

    Raises:
        NotFound: there is none.
    """
    return queries.find(session, User, id=user_id)


def administer(
    session: Session, user_id: str, changes: Mapping[str, Any], if_match: IfMatch = None
) -> User:
    """Change role or activity; who is deactivated is signed out everywhere.

    Raises:
        LastAdmin: nobody would be left who could undo it.
    """
    # Locked in order of id, so that of two admins who demote each other only one succeeds.
    admins = select(User.id).where(User.role == Role.ADMIN, User.is_active).order_by(User.id)
    last = session.scalars(admins.with_for_update()).all() == [user_id]
    user = _update(session, user_id, changes, if_match)
    if last and (user.role != Role.ADMIN or not user.is_active):
        raise LastAdmin
    if not user.is_active:
        sessions.sign_out_everywhere(session, user.id)
    return user


def _update(session: Session, user_id: str, changes: Mapping[str, Any], if_match: IfMatch) -> User:
    user = locked(session, select(User).where(User.id == user_id), if_match)
    for name, value in changes.items():
        setattr(user, name, value)
    session.flush()
    return user
