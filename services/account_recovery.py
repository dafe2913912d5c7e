"""Verification and change of the email address, and password reset, by links in mails."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from models.account_tokens import TokenPurpose
from models.events import EventType
from models.mails import MailKind
from models.users import User
from services import account_tokens, events, mails, sessions, users
from services.principals import Actor, Principal


def verify_email(session: Session, token: str, request_id: str) -> None:
    """Mark the address that got the token as verified.

    Raises:
        InvalidInput: the token is not valid.
    """
    user, _ = account_tokens.use(session, token, TokenPurpose.VERIFY_EMAIL)
    _set_verified(session, user, request_id)
    session.flush()


def resend_verification(session: Session, user_id: str, email: str) -> None:
    """Queue another mail to verify the address."""
    mails.queue(session, MailKind.VERIFY_EMAIL, user_id, email)


def check_reset(session: Session, token: str) -> None:
    """Raise InvalidInput unless the token can reset a password."""
    account_tokens.check(session, token, TokenPurpose.RESET_PASSWORD)


def reset_password(session: Session, token: str, new_hash: str, request_id: str) -> None:
    """Set a new password, end all sessions of the user, and queue a notification.

    The token was in a mail, so it also verifies the address.

    Raises:
        InvalidInput: the token is not valid.
    """
    user, _ = account_tokens.use(session, token, TokenPurpose.RESET_PASSWORD)
    user.password_hash = new_hash
    _set_verified(session, user, request_id)
    session.flush()
    sessions.sign_out_everywhere(session, user.id)
    _record(session, EventType.USER_PASSWORD_RESET, user, request_id)
    mails.queue(session, MailKind.PASSWORD_WAS_RESET, user.id, user.email)


def request_email_change(
    session: Session, principal: Principal, known_hash: str, email: str
) -> None:
    """Queue a mail to the new address, and a notice to the current one.

    Raises:
        InvalidInput: the address is one of a service account.
        InvalidToken, StaleDataError: see `users.lock_confirmed`.
    """
    users.reject_reserved(email)
    user = users.lock_confirmed(session, principal, known_hash)
    mails.queue(session, MailKind.CHANGE_EMAIL, user.id, email)
    mails.queue(session, MailKind.EMAIL_CHANGE_REQUESTED, user.id, user.email)


def confirm_email(session: Session, token: str, request_id: str) -> None:
    """Set the new address, which got the token.

    Raises:
        InvalidInput: the token is not valid.
        EmailTaken: another account has the address by now.
    """
    user, email = account_tokens.use(session, token, TokenPurpose.CHANGE_EMAIL)
    user.email, user.email_verified_at = email, datetime.now(UTC)
    users.flush_email(session)
    _record(session, EventType.USER_EMAIL_CHANGED, user, request_id)


def _set_verified(session: Session, user: User, request_id: str) -> None:
    if user.email_verified_at is None:
        user.email_verified_at = datetime.now(UTC)
        session.flush()
        _record(session, EventType.USER_EMAIL_VERIFIED, user, request_id)


def _record(session: Session, event_type: EventType, user: User, request_id: str) -> None:
    events.record(session, event_type, user.id, user.version, Actor(user.id, request_id))
