"""Outbox of mails: queue them in the transaction of a change, claim them, record results."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Row, and_, case, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from models.account_tokens import TokenPurpose
from models.base import table
from models.mails import Mail, MailKind
from models.users import Role, User
from services import account_tokens

# Delays after each attempt but the last one.
DELAYS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
)
JITTER = 0.2
MAX_ATTEMPTS = len(DELAYS) + 1
# Longer than an attempt. If a sender is killed, another one claims its mail after this time.
LEASE = timedelta(minutes=5)
PURPOSES = {
    MailKind.VERIFY_EMAIL: TokenPurpose.VERIFY_EMAIL,
    MailKind.RESET_PASSWORD: TokenPurpose.RESET_PASSWORD,
    MailKind.CHANGE_EMAIL: TokenPurpose.CHANGE_EMAIL,
}

mails, users = table(Mail), table(User)
PENDING = and_(mails.c.sent_at.is_(None), mails.c.failed_at.is_(None))
WAITING = PENDING & (mails.c.attempts < MAX_ATTEMPTS)
DUE = WAITING & (mails.c.next_attempt_at <= func.now())
NEXT = select(mails.c.id).where(DUE).order_by(mails.c.next_attempt_at).limit(1)
CLAIM = (
    update(mails)
    .where(mails.c.id == NEXT.with_for_update(skip_locked=True).scalar_subquery())
    .values(attempts=mails.c.attempts + 1, next_attempt_at=func.now() + LEASE)
    .returning(mails)
)


@dataclass(frozen=True)
class Claim:
    """A mail to send now; a mail without a link has no token."""

    mail: Row
    token: str | None


def queue(session: Session, kind: MailKind, user_id: str, address: str) -> None:
    """Queue a mail; a mail with a link replaces the user's earlier mails of this kind."""
    if kind in PURPOSES:
        cancel(session, user_id, [kind])
    session.execute(insert(mails).values(kind=kind, user_id=user_id, address=address))


def cancel(session: Session, user_id: str, kinds: Iterable[MailKind] = tuple(PURPOSES)) -> None:
    """Delete the user's unsent mails of these kinds, and invalidate the links in sent ones.

    An unsent mail would otherwise get a token that is valid after the change of the password or
    the address. Only kinds with a link are allowed.
    """
    waiting = and_(PENDING, mails.c.user_id == user_id, mails.c.kind.in_(kinds))
    session.execute(delete(mails).where(waiting))
    account_tokens.delete_of(session, user_id, [PURPOSES[kind] for kind in kinds])


def queue_reset(session: Session, email: str) -> None:
    """Queue a mail to reset the password of the account with this address.

    Without an account, insert a row without an address, which is never sent. So both cases write
    one row, and take the same time.
    """
    account = and_(users.c.email == email, users.c.is_active, users.c.role != Role.SERVICE)
    one = select(literal(1)).subquery()
    row = select(
        literal(MailKind.RESET_PASSWORD.value),
        users.c.id,
        func.coalesce(users.c.email, ""),
        case((users.c.id.is_(None), func.now())),
    ).select_from(one.outerjoin(users, account))
    names = ["kind", "user_id", "address", "failed_at"]
    session.execute(insert(mails).from_select(names, row))


def claim(session: Session) -> Claim | None:
    """Claim the mail that has been due for the longest time, and create its token.

    The claim lasts for a lease. Commit it before the attempt to send the mail. Each attempt has a
    new token, so a token is sent at most once.
    """
    mail = session.execute(CLAIM).one_or_none()
    while mail:
        purpose = PURPOSES.get(mail.kind)
        if purpose is None:
            return Claim(mail, None)
        if token := account_tokens.create(session, mail.user_id, purpose, mail.address):
            # A later attempt of an older mail would replace this token.
            older = and_(PENDING, mails.c.user_id == mail.user_id, mails.c.kind == mail.kind)
            session.execute(delete(mails).where(older, mails.c.id < mail.id))
            return Claim(mail, token)
        # The user is erased or inactive, or now has another address.
        session.execute(delete(mails).where(mails.c.id == mail.id))
        mail = session.execute(CLAIM).one_or_none()
    return None


def record_sent(session: Session, mail: Row) -> None:
    session.execute(update(mails).where(mails.c.id == mail.id).values(sent_at=func.now()))


def record_failure(session: Session, mail: Row, *, final: bool) -> None:
    """Schedule the next attempt; after a final failure or the last attempt, there is none."""
    # Matches no row if the mail was claimed again.
    current = and_(mails.c.id == mail.id, mails.c.attempts == mail.attempts)
    if final or mail.attempts >= MAX_ATTEMPTS:
        session.execute(update(mails).where(current).values(failed_at=func.now()))
        return
    wait = DELAYS[mail.attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    session.execute(update(mails).where(current).values(next_attempt_at=func.now() + wait))


def backlog(session: Session) -> Sequence[Row]:
    """Return the number of `waiting` mails and the time of the `oldest`, by `retried`.

    There are up to two rows: for mails without an attempt, and for all others.
    """
    retried = (mails.c.attempts > 0).label("retried")
    oldest = func.min(mails.c.created_at).label("oldest")
    waiting = select(retried, func.count().label("waiting"), oldest).where(WAITING)
    return session.execute(waiting.group_by(retried)).all()
