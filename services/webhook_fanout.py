"""Fan-out of events: create their deliveries, exactly once and in the order of the events."""

from datetime import datetime

from sqlalchemy import Row, Select, Tuple, func, select, tuple_
from sqlalchemy.orm import Session

from models.events import EVENT_ID
from models.webhook_deliveries import WebhookPosition
from services.events import FINISHED
from services.webhook_deliveries import endpoints, events, insertion, matches

BATCH = 500
# Limit of an INSERT, which takes up to a second for this number: less than the statement timeout.
MAX_DELIVERIES = 5_000
in_order = tuple_(events.c.txid, events.c.id)


def fan_out(session: Session, limit: int = BATCH, max_deliveries: int = MAX_DELIVERIES) -> int:
    """Create the deliveries of the next events, and return the number of events.

    The lock of the position makes each event have its deliveries exactly once. While another
    deliverer holds it, the function returns 0.
    """
    position = session.scalar(select(WebhookPosition).with_for_update(skip_locked=True))
    if position is None:
        return 0
    limit = min(limit, _events_of(session, max_deliveries))
    found = session.execute(_following(position, limit)).all()
    if found:
        session.execute(insertion(_pairs(position, found[-1])).on_conflict_do_nothing())
        position.txid, position.event_id = found[-1].txid, found[-1].id
        session.flush()
    return len(found)


def oldest_waiting(session: Session) -> datetime | None:
    """Return the time of the first event that has no deliveries yet."""
    position = session.scalars(select(WebhookPosition)).one()
    after = in_order > _at(position.txid, position.event_id)
    first = select(events.c.created_at).where(after).order_by(events.c.txid, events.c.id)
    return session.scalar(first.limit(1))


def _events_of(session: Session, max_deliveries: int) -> int:
    """Return how many events have at most this number of deliveries; at least one event."""
    enabled = session.scalar(select(func.count()).where(endpoints.c.enabled)) or 1
    return max(1, max_deliveries // enabled)


def _following(position: WebhookPosition, limit: int) -> Select:
    after = in_order > _at(position.txid, position.event_id)
    statement = select(events.c.txid, events.c.id).where(after, FINISHED)
    return statement.order_by(events.c.txid, events.c.id).limit(limit)


def _pairs(position: WebhookPosition, last: Row) -> Select:
    """Return the query for the events up to `last`, each with the endpoints that receive it."""
    return (
        select(endpoints.c.id.label("endpoint_id"), events.c.id.label("event_id"))
        .join_from(events, endpoints, matches())
        .where(
            in_order > _at(position.txid, position.event_id),
            in_order <= _at(last.txid, last.id),
            endpoints.c.enabled,
            endpoints.c.created_at <= events.c.created_at,
        )
    )


def _at(txid: int, event_id: str) -> Tuple:
    return tuple_(txid, event_id, types=[events.c.txid.type, EVENT_ID])
