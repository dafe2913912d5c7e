"""Erasure of a person's data; docs/operators/personal-data.md lists the data that is kept."""

from uuid import uuid4

from loguru import logger
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from models.account_tokens import AccountToken
from models.events import EventType
from models.idempotency import IdempotencyKey
from models.mails import Mail
from models.second_factors import RecoveryCode, SecondFactor
from models.sessions import AuthSession
from models.users import ERASED_DOMAIN, Role, User
from services import api_keys, events, order_privacy, passwords, users
from services.errors import LastAdmin, NotFound
from services.principals import Principal, actor_of

DELETED = (AuthSession, IdempotencyKey, Mail, AccountToken, SecondFactor, RecoveryCode)


def erase(session: Session, principal: Principal, user_id: str) -> None:
    """Erase the personal data of a user, in all tables; the user cannot sign in again.

    Raises:
        NotFound: the user does not exist, or was erased before.
        LastAdmin: the user is the last active administrator.
        OpenOrders: an order is not shipped yet, so it needs its shipping address.
    """
    # `is_last_admin` locks all administrators, so call it only if the user is one.
    is_admin = users.get(session, user_id).role == Role.ADMIN
    if is_admin and users.is_last_admin(session, user_id):
        raise LastAdmin
    user = _locked(session, user_id)
    if user.role == Role.ADMIN and not is_admin:
        raise StaleDataError("The user has become an administrator.")
    order_privacy.erase(session, user_id)
    api_keys.erase(session, principal, user_id)
    for model in DELETED:
        session.execute(delete(model).where(model.user_id == user_id))
    _anonymize(user)
    session.flush()
    events.record(session, EventType.USER_ERASED, user_id, user.version, actor_of(principal))


def log(user_id: str) -> None:
    """Log a committed erasure; after a restore, operators repeat the logged erasures."""
    logger.bind(erased=user_id).info("user_erased")


def _locked(session: Session, user_id: str) -> User:
    """Return the user, locked FOR UPDATE.

    Each writing request first locks the row of its caller (`principals.WRITING_USER`). The lock
    of the erasure waits until these requests end, so none of them adds data after the erasure.
    """
    existing = select(User).where(User.id == user_id, users.EXISTS).with_for_update()
    user = session.scalar(existing.execution_options(populate_existing=True))
    if user is None:
        raise NotFound
    return user


def _anonymize(user: User) -> None:
    user.email = f"erased-{uuid4()}{ERASED_DOMAIN}"
    user.password_hash = passwords.UNUSABLE
    user.name, user.phone = "", None
    user.email_verified_at = None
    user.is_active = user.second_factor = False
    user.erased_at = func.now()
