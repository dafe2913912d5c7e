"""Export of a person's data."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, case, or_, select
from sqlalchemy.orm import Session

from models.base import Base, table
from models.events import Event
from models.idempotency import IdempotencyKey
from models.mails import Mail
from models.sessions import AuthSession
from services import api_keys, order_privacy, pages, queries, second_factors, users
from services.events import OLDEST
from services.principals import Principal

events = table(Event)
BY_ME = events.c.actor_id.in_(bindparam("ids", expanding=True))
ABOUT_ME = events.c.resource_id.in_(bindparam("ids", expanding=True))
# The events by and about a person, with NULL instead of the ids of other actors.
MY_EVENTS: Select[Any] = select(
    *(column for column in events.c if column.name != "actor_id"),
    case((BY_ME, events.c.actor_id)).label("actor_id"),
).where(or_(BY_ME, ABOUT_ME))


def export(session: Session, principal: Principal) -> dict[str, Any]:
    """Return the rows about the caller; `ExportSchema` leaves out password hash and digests."""
    sessions = _mine(session, principal, AuthSession)
    keys = api_keys.list_all_of(session, principal.id)
    return {
        "account": users.get(session, principal.id),
        "second_factor": second_factors.state(session, principal),
        "sessions": sessions,
        "api_keys": keys,
        "idempotency_keys": _mine(session, principal, IdempotencyKey),
        "mails": _mine(session, principal, Mail),
        "events": _events(session, principal, [*sessions, *keys]),
        "orders": order_privacy.export(session, principal.id),
    }


def _mine(session: Session, principal: Principal, model: type[Base]) -> Sequence[Row[Any]]:
    mine = queries.rows(model, "user_id").order_by(
        table(model).c.created_at, *table(model).primary_key
    )
    return session.execute(mine, {"user_id": principal.id}).all()


def _events(
    session: Session, principal: Principal, owned: Sequence[Row[Any]]
) -> Iterator[Row[Any]]:
    """Yield the events by and about the caller and the caller's sessions and API keys."""
    ids = [principal.id, *(row.id for row in owned)]
    return pages.read_all(session, MY_EVENTS, {"ids": ids}, OLDEST)
