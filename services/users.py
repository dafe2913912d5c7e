"""User accounts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from models.events import EventType
from models.mails import MailKind
from models.users import ERASED_DOMAIN, SERVICE_DOMAIN, Role, User
from services import events, mails, pages, passwords, queries, sessions
from services.errors import EmailTaken, InvalidInput, LastAdmin, NotFound
from services.locking import IfMatch, locked, violated_constraint
from services.principals import Actor, Principal, actor_of, authenticate

DEFAULT_RULES = passwords.Rules()
# The row of an erased account is kept, but administrators get a 404 for it.
EXISTS = User.erased_at.is_(None)


def register(
    session: Session,
    email: str,
    password: str,
    name: str = "",
    phone: str | None = None,
    role: Role = Role.USER,
    rules: passwords.Rules = DEFAULT_RULES,
    request_id: str | None = None,
    verifies: bool = False,
) -> User:
    """Create an account; a command has no `request_id`.

    Args:
        verifies: Whether to queue a mail to verify the address.

    Raises:
        EmailTaken: an account with this address exists.
        InvalidInput: the password breaks the rules, or the domain of the address is reserved.
    """
    reject_reserved(email)
    new_hash = hash_password(password, rules)
    user = User(email=email, password_hash=new_hash, name=name, phone=phone, role=role)
    if request_id is None:  # A command: the operator has verified the address.
        user.email_verified_at = datetime.now(UTC)
    session.add(user)
    flush_email(session)
    actor = Actor(user.id, request_id) if request_id else Actor()
    events.record(session, EventType.USER_REGISTERED, user.id, user.version, actor, role=role)
    if verifies:
        mails.queue(session, MailKind.VERIFY_EMAIL, user.id, user.email)
    return user


def reject_reserved(email: str) -> None:
    """Raise InvalidInput for an address with the domain of service accounts or erased ones."""
    if email.endswith((SERVICE_DOMAIN, ERASED_DOMAIN)):
        raise InvalidInput.at(["/email"], "This domain is reserved.")


def flush_email(session: Session) -> None:
    """Flush a new email address.

    Raises:
        EmailTaken: another account has the address.
    """
    try:
        session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_users_email":
            raise EmailTaken from error
        raise


def update_profile(
    session: Session, principal: Principal, changes: Mapping[str, Any], if_match: IfMatch = None
) -> User:
    """Change the caller's name or phone number."""
    return _change(session, _locked(session, principal.id, if_match), changes)


def hash_new_password(known_hash: str, current: str, new: str, rules: passwords.Rules) -> str:
    """Return the hash of a new password.

    This is slow and does not use the database, so call it without an open transaction.

    Raises:
        InvalidInput: `current` is wrong, or `new` breaks the rules.
    """
    passwords.check_new(new, "/new_password", rules)
    confirm_password(known_hash, current, "/current_password")
    return passwords.hashed(new)


def confirm_password(known_hash: str, current: str, pointer: str) -> None:
    """Raise InvalidInput if the password at `pointer` is wrong; slow, see `hash_new_password`."""
    if not passwords.matches(current, known_hash):
        raise InvalidInput.at([pointer], "This is not your current password.")


def hash_password(password: str, rules: passwords.Rules) -> str:
    """Return the hash of a password at `/password`; slow, see `hash_new_password`.

    Raises:
        InvalidInput: the password breaks the rules.
    """
    passwords.check_new(password, "/password", rules)
    return passwords.hashed(password)


def change_password(session: Session, principal: Principal, known_hash: str, new_hash: str) -> None:
    """Set a new password, and end all other sessions.

    Raises:
        InvalidToken: the caller's session has ended since the start of the request.
        StaleDataError: `known_hash` is no longer the current one; the request is retried.
    """
    user = lock_confirmed(session, principal, known_hash)
    user.password_hash = new_hash
    session.flush()
    sessions.sign_out(session, principal, sessions.SessionSelection.OTHERS)
    mails.cancel(session, user.id)
    actor = actor_of(principal)
    events.record(session, EventType.USER_PASSWORD_CHANGED, user.id, user.version, actor)


def lock_confirmed(session: Session, principal: Principal, known_hash: str) -> User:
    """Lock and return the caller, after the password was compared with `known_hash`.

    Raises:
        InvalidToken: the caller's session has ended since the start of the request.
        StaleDataError: `known_hash` is no longer the current one; the request is retried.
    """
    user = locked(session, select(User).where(User.id == principal.id))
    authenticate(session, principal.id, principal.session_id)
    if user.password_hash != known_hash:
        raise StaleDataError("The password changed since it was read.")
    return user


def list_all(session: Session, page: pages.PageRequest, filters: Mapping[str, Any]) -> pages.Page:
    """Return a page of the accounts that match `filters`, without erased ones."""
    return pages.read_page(session, _existing(*filters), page, filters)


def get(session: Session, user_id: str) -> Row[Any]:
    """Return an account.

    Raises:
        NotFound: the account does not exist, or was erased.
    """
    user = session.execute(_existing("id"), {"id": user_id}).one_or_none()
    if user is None:
        raise NotFound
    return user


def administer(
    session: Session,
    principal: Principal,
    user_id: str,
    changes: Mapping[str, Any],
    if_match: IfMatch = None,
) -> User:
    """Change the role or `is_active` of a user; a deactivation ends all sessions of the user.

    Raises:
        InvalidInput: a service account would get another role.
        LastAdmin: no active administrator would be left.
    """
    last = is_last_admin(session, user_id)
    user = _locked(session, user_id, if_match)
    before = user.is_active, user.role
    _change(session, user, changes)
    if "role" in changes and user.email.endswith(SERVICE_DOMAIN):
        raise InvalidInput.at(["/role"], "A service account keeps its role.")
    if last and (user.role != Role.ADMIN or not user.is_active):
        raise LastAdmin
    if not user.is_active:
        sessions.sign_out_everywhere(session, user.id)
        mails.cancel(session, user.id)
    _record_changes(session, principal, user, *before)
    return user


def is_last_admin(session: Session, user_id: str) -> bool:
    """Lock all active administrators, and return whether the user is the only one.

    If two administrators demote each other at the same time, only one of the requests succeeds. The
    locks are taken in the order of ids, which prevents deadlocks.
    """
    admins = select(User.id).where(User.role == Role.ADMIN, User.is_active).order_by(User.id)
    return session.scalars(admins.with_for_update(key_share=True)).all() == [user_id]


def _record_changes(
    session: Session, principal: Principal, user: User, was_active: bool, old_role: str
) -> None:
    actor = actor_of(principal)
    if was_active and not user.is_active:
        events.record(session, EventType.USER_DEACTIVATED, user.id, user.version, actor)
    if user.role != old_role:
        changed = EventType.USER_ROLE_CHANGED
        events.record(session, changed, user.id, user.version, actor, role=user.role)


@cache
def _existing(*names: str) -> Select[Any]:
    return queries.rows(User, *names).where(EXISTS)


def _locked(session: Session, user_id: str, if_match: IfMatch) -> User:
    return locked(session, select(User).where(User.id == user_id, EXISTS), if_match)


def _change(session: Session, user: User, changes: Mapping[str, Any]) -> User:
    for name, value in changes.items():
        setattr(user, name, value)
    session.flush()
    return user
