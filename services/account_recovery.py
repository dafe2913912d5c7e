"""Verification and change of the email address, and password reset, by links in mails."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.account_tokens import TokenPurpose
from models.events import EventType
from models.mails import MailKind
from models.users import User
from services import (
    account_tokens,
    api_keys,
    events,
    mails,
    passwords,
    second_factors,
    sessions,
    users,
)
from services.errors import NotFound
from services.locking import locked
from services.principals import Actor, Principal


def verify_email(session: Session, token: str, request_id: str) -> None:
    """Mark the address to which the token was sent as verified.

    Raises:
        InvalidInput: the token is not valid.
    """
    user, _ = account_tokens.use(session, token, TokenPurpose.VERIFY_EMAIL)
    _set_verified(session, user, Actor(user.id, request_id))


def confirm_address(session: Session, email: str) -> User:
    """Mark the address of an account as verified, without a mail: for commands of an operator.

    Raises:
        NotFound: there is no active account with this address.
    """
    user = locked(session, select(User).where(User.email == email, User.is_active))
    _set_verified(session, user, Actor())
    return user


def resend_verification(session: Session, user_id: str, email: str) -> None:
    """Queue another mail to verify the address."""
    mails.queue(session, MailKind.VERIFY_EMAIL, user_id, email)


def check_reset(session: Session, token: str) -> None:
    """Raise InvalidInput unless the token can reset a password."""
    account_tokens.check(session, token, TokenPurpose.RESET_PASSWORD)


def reset_password(session: Session, token: str, new_hash: str, request_id: str) -> None:
    """Set a new password, end all sessions of the user, and queue a notification.

    The token was in a mail, so the reset also verifies the address. If the address was not verified
    before, another person may have registered it. Then the reset also revokes the API keys.

    Raises:
        InvalidInput: the token is not valid.
    """
    user, _ = account_tokens.use(session, token, TokenPurpose.RESET_PASSWORD)
    user.password_hash, actor = new_hash, Actor(user.id, request_id)
    if user.email_verified_at is None:
        api_keys.revoke_all(session, user.id, actor)
    _set_verified(session, user, actor)
    session.flush()
    sessions.sign_out_everywhere(session, user.id)
    mails.cancel(session, user.id)
    events.record(session, EventType.USER_PASSWORD_RESET, user.id, user.version, actor)
    mails.queue(session, MailKind.PASSWORD_WAS_RESET, user.id, user.email)


def request_email_change(
    session: Session, principal: Principal, known_hash: str, email: str
) -> None:
    """Queue a mail to the new address, and a notice to the current one.

    Raises:
        InvalidInput: the domain of the address is reserved.
        InvalidToken, StaleDataError: see `users.lock_confirmed`.
    """
    users.reject_reserved(email)
    user = users.lock_confirmed(session, principal, known_hash)
    mails.queue(session, MailKind.CHANGE_EMAIL, user.id, email)
    mails.queue(session, MailKind.EMAIL_CHANGE_REQUESTED, user.id, user.email)


def confirm_email(session: Session, token: str, request_id: str) -> None:
    """Set the address to which the token was sent, and queue a notice to the former address.

    Raises:
        InvalidInput: the token is not valid.
        EmailTaken: another account has the address by now.
    """
    user, email = account_tokens.use(session, token, TokenPurpose.CHANGE_EMAIL)
    mails.queue(session, MailKind.EMAIL_CHANGED, user.id, user.email)
    _set_email(session, user, email, Actor(user.id, request_id))


def restore(session: Session, email: str, new_email: str) -> User:
    """Change the address of an account whose mailbox was stolen, and end all access to it.

    All sessions and API keys end; the password and the second factor are removed. The owner then
    resets the password with a mail to the new address.

    Raises:
        NotFound: there is no active account with this address.
        EmailTaken: another account has the new address.
    """
    owner = select(User).where(User.email == email, User.is_active).with_for_update()
    user = session.scalar(owner)
    if user is None:
        raise NotFound
    user.password_hash = passwords.UNUSABLE
    _set_email(session, user, new_email, Actor())
    sessions.sign_out_everywhere(session, user.id)
    api_keys.revoke_all(session, user.id, Actor())
    if user.second_factor:
        second_factors.remove(session, user, Actor())
    return user


def _set_email(session: Session, user: User, email: str, actor: Actor) -> None:
    user.email, user.email_verified_at = email, datetime.now(UTC)
    users.flush_email(session)
    mails.cancel(session, user.id)
    events.record(session, EventType.USER_EMAIL_CHANGED, user.id, user.version, actor)


def _set_verified(session: Session, user: User, actor: Actor) -> None:
    if user.email_verified_at is None:
        user.email_verified_at = datetime.now(UTC)
        session.flush()
        events.record(session, EventType.USER_EMAIL_VERIFIED, user.id, user.version, actor)
