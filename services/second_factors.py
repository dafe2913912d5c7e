"""Second factors: authenticator apps (TOTP, RFC 6238) and recovery codes."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import pyotp
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from models.events import EventType
from models.second_factors import RecoveryCode, SecondFactor
from models.users import User
from services import events, sessions, users
from services import second_factor_codes as codes
from services.errors import CHALLENGE, InvalidInput, NotFound, Problem
from services.locking import locked
from services.principals import Actor, Principal, actor_of, authenticate


class SecondFactorRequired(Problem):
    """Has the extension member `challenge`."""

    status, slug, title = 401, "second-factor-required", "Second factor required"
    default_headers = CHALLENGE
    detail = "The password is right; the account also needs a code."
    advice = (
        "Send the `challenge` and a code of the authenticator app, or a recovery code, to "
        "`POST /api/auth/login/second-factor` within five minutes."
    )
    example: ClassVar = {"challenge": "WyJ1c2VyXzAx…"}


class InvalidChallenge(Problem):
    status, slug, title = 401, "invalid-challenge", "Invalid challenge"
    default_headers = CHALLENGE
    detail = "The challenge is invalid or expired, or the account has changed since the sign-in."
    advice = "Sign in with the password again, and use the new challenge within five minutes."


class WrongCode(Problem):
    status, slug, title = 401, "wrong-code", "Wrong code"
    default_headers = CHALLENGE
    detail = "The code is wrong, or it was used before."
    advice = (
        "Wait for the next code of the app, and check the clock of the device. Each code is "
        "accepted once. Without the device, use a recovery code."
    )


class SecondFactorEnabled(Problem):
    status, slug, title = 409, "second-factor-enabled", "Second factor enabled"
    detail = "The account already has a second factor."
    advice = "To change the device, turn the second factor off, then set it up again."


@dataclass(frozen=True)
class State:
    enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


def password_version(password_hash: str) -> str:
    """Return an identifier of a password hash, which does not reveal the hash."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:32]


def state(session: Session, principal: Principal) -> State:
    """Return the state of the caller's second factor."""
    confirmed = select(SecondFactor.confirmed_at).where(SecondFactor.user_id == principal.id)
    count = select(func.count()).where(RecoveryCode.user_id == principal.id)
    confirmed_at = session.scalars(confirmed).one_or_none()
    return State(confirmed_at is not None, confirmed_at, session.scalars(count).one())


def enrol(session: Session, principal: Principal, known_hash: str) -> str:
    """Return the secret of a new authenticator app; `confirm` then turns the second factor on.

    Call this after the password was compared with `known_hash`.

    Raises:
        InvalidToken, StaleDataError: see `users.lock_confirmed`.
        SecondFactorEnabled: the caller has a second factor.
    """
    users.lock_confirmed(session, principal, known_hash)
    new = {"user_id": principal.id, "secret": pyotp.random_base32()}
    statement = upsert(SecondFactor).values(new)
    pending = statement.on_conflict_do_update(
        index_elements=["user_id"],
        set_={"secret": new["secret"], "last_step": None},
        where=SecondFactor.confirmed_at.is_(None),
    )
    if session.scalars(pending.returning(SecondFactor.user_id)).one_or_none() is None:
        raise SecondFactorEnabled
    return new["secret"]


def confirm(session: Session, principal: Principal, code: str) -> list[str]:
    """Turn the second factor on, end all other sessions, and return recovery codes.

    A person who stole the password may have opened the other sessions.

    Raises:
        InvalidInput: the code is wrong, or it was used before.
        NotFound: there is no second factor to confirm.
        SecondFactorEnabled: the caller has a second factor.
    """
    user = _locked_caller(session, principal)
    if user.second_factor:
        raise SecondFactorEnabled
    factor = session.get(SecondFactor, user.id)
    if factor is None:
        raise NotFound
    if not codes.use_totp(session, user.id, code):
        raise _wrong_input()
    factor.confirmed_at = func.now()
    user.second_factor = True
    session.flush()
    sessions.sign_out(session, principal, sessions.SessionSelection.OTHERS)
    _record(session, EventType.USER_TOTP_ENABLED, user, actor_of(principal))
    return codes.replace_recovery_codes(session, user.id)


def disable(session: Session, principal: Principal, code: str) -> None:
    """Turn the second factor off.

    Raises:
        InvalidInput: the code is wrong, or it was used before.
        NotFound: the second factor is off.
    """
    remove(session, _confirmed_caller(session, principal, code), actor_of(principal))


def remove(session: Session, user: User, actor: Actor) -> None:
    """Delete the second factor of a user."""
    for model in (SecondFactor, RecoveryCode):
        session.execute(delete(model).where(model.user_id == user.id))
    user.second_factor = False
    session.flush()
    _record(session, EventType.USER_TOTP_DISABLED, user, actor)


def remove_by_email(session: Session, email: str) -> User:
    """Delete the second factor of a user who has lost the device and the codes; end all sessions.

    Raises:
        NotFound: there is no such user, or the second factor is off.
    """
    user = locked(session, select(User).where(User.email == email, User.second_factor))
    remove(session, user, Actor())
    sessions.sign_out_everywhere(session, user.id)
    return user


def replace_recovery_codes(session: Session, principal: Principal, code: str) -> list[str]:
    """Return new recovery codes; the old ones stop working.

    Raises:
        InvalidInput: the code is wrong, or it was used before.
        NotFound: the second factor is off.
    """
    user = _confirmed_caller(session, principal, code)
    _record(session, EventType.USER_RECOVERY_CODES_REPLACED, user, actor_of(principal))
    return codes.replace_recovery_codes(session, user.id)


def sign_in(
    session: Session, user_id: str, version: str, code: str, client: sessions.Client, actor: Actor
) -> sessions.Grant:
    """Verify a code, and open a session for an account whose password was verified before.

    Raises:
        InvalidChallenge: the account has changed since the password was verified.
        WrongCode: the code is wrong, or it was used before.
    """
    owner = select(User).where(User.id == user_id, User.is_active, User.second_factor)
    user = session.scalars(owner.with_for_update(read=True)).one_or_none()
    if user is None or password_version(user.password_hash) != version:
        raise InvalidChallenge
    if not codes.use(session, user, code, actor):
        raise WrongCode
    return sessions.open_session(session, user, user.password_hash, client)


def _locked_caller(session: Session, principal: Principal) -> User:
    user = locked(session, select(User).where(User.id == principal.id))
    authenticate(session, principal.id, principal.session_id)
    return user


def _confirmed_caller(session: Session, principal: Principal, code: str) -> User:
    user = _locked_caller(session, principal)
    if not user.second_factor:
        raise NotFound
    if not codes.use(session, user, code, actor_of(principal)):
        raise _wrong_input()
    return user


def _wrong_input() -> InvalidInput:
    return InvalidInput.at(["/code"], "This code is wrong, or it was used before.")


def _record(session: Session, event_type: EventType, user: User, actor: Actor) -> None:
    events.record(session, event_type, user.id, user.version, actor)
