"""Codes of second factors: TOTP codes of an authenticator app (RFC 6238), recovery codes."""

import base64
import hashlib
import hmac
import secrets
import time
from textwrap import wrap

import pyotp
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from models.events import EventType
from models.second_factors import RecoveryCode, SecondFactor
from models.users import User
from services import events
from services.principals import Actor

RECOVERY_CODES = 10
# Codes of the previous and the next time step are accepted too, because clocks differ.
SKEW = (0, -1, 1)


def use(session: Session, user: User, code: str, actor: Actor) -> bool:
    """Use a code of the app or a recovery code; return whether the code is valid."""
    plain = _plain(code)
    if plain.isdecimal():
        return use_totp(session, user.id, plain)
    return _use_recovery_code(session, user, plain, actor)


def use_totp(session: Session, user_id: str, code: str) -> bool:
    """Use a code of the app; return whether the code was valid and unused.

    The UPDATE is atomic, so only one of several parallel requests can use a code.
    """
    secret = session.scalars(
        select(SecondFactor.secret).where(SecondFactor.user_id == user_id)
    ).one()
    step = _step_of(secret, _plain(code))
    if step is None:
        return False
    is_new = or_(SecondFactor.last_step.is_(None), SecondFactor.last_step < step)
    # A parallel enrolment may have replaced the secret.
    is_same = SecondFactor.secret == secret
    mine = update(SecondFactor).where(SecondFactor.user_id == user_id, is_same, is_new)
    return bool(session.scalars(mine.values(last_step=step).returning(SecondFactor.user_id)).all())


def _step_of(secret: str, code: str) -> int | None:
    """Return the time step of a code, or None if the code is wrong."""
    totp, now = pyotp.TOTP(secret), int(time.time())
    for offset in SKEW:
        if hmac.compare_digest(totp.at(now, counter_offset=offset).encode(), code.encode()):
            return now // totp.interval + offset
    return None


def _use_recovery_code(session: Session, user: User, code: str, actor: Actor) -> bool:
    mine = RecoveryCode.user_id == user.id, RecoveryCode.digest == _digest(code)
    used = delete(RecoveryCode).where(*mine).returning(RecoveryCode.user_id)
    if not session.scalars(used).all():
        return False
    used_code = EventType.USER_RECOVERY_CODE_USED
    events.record(session, used_code, user.id, user.version, actor)
    return True


def replace_recovery_codes(session: Session, user_id: str) -> list[str]:
    """Return new recovery codes; the old ones stop working."""
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    rows = [{"user_id": user_id, "digest": _digest(_plain(code))} for code in codes]
    session.execute(insert(RecoveryCode), rows)
    return codes


def _new_recovery_code() -> str:
    """Return 80 random bits, such as "abcd-efgh-ijkl-mnop"."""
    return "-".join(wrap(base64.b32encode(secrets.token_bytes(10)).decode().lower(), 4))


def _plain(code: str) -> str:
    """Return the code without the spaces and hyphens that people type."""
    return code.replace(" ", "").replace("-", "").lower()


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
