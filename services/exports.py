"""Export of a person's data."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, case, or_, select
from sqlalchemy.orm import Session

from models.base import Base, table
from models.events import Event
from models.idempotency import IdempotencyKey
from models.sessions import AuthSession
from services import api_keys, order_privacy, queries, users
from services.principals import Principal

events = table(Event)


def export(session: Session, principal: Principal) -> dict[str, Any]:
    """Return all data about the caller, without password, tokens and digests."""
    sessions = _mine(session, principal, AuthSession)
    keys = api_keys.list_all_of(session, principal.id)
    return {
        "account": users.get(session, principal.id),
        "sessions": sessions,
        "api_keys": keys,
        "idempotency_keys": _mine(session, principal, IdempotencyKey),
        "events": _events(session, principal, [*sessions, *keys]),
        "orders": order_privacy.export(session, principal.id),
    }


def _mine(session: Session, principal: Principal, model: type[Base]) -> Sequence[Row[Any]]:
    mine = queries.rows(model, "user_id").order_by(table(model).c.created_at)
    return session.execute(mine, {"user_id": principal.id}).all()


def _events(
    session: Session, principal: Principal, owned: Sequence[Row[Any]]
) -> Sequence[Row[Any]]:
    """Return the events by the caller, and about the account, its sessions and API keys.

    Other actors are not shown.
    """
    ids = [principal.id, *(row.id for row in owned)]
    by_me, about_me = events.c.actor_id.in_(ids), events.c.resource_id.in_(ids)
    shown = [column for column in events.c if column.name != "actor_id"]
    actor = case((by_me, events.c.actor_id)).label("actor_id")
    mine: Select[Any] = select(*shown, actor).where(or_(by_me, about_me))
    return session.execute(mine.order_by(events.c.txid, events.c.id)).all()
