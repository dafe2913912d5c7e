"""Fan-out of events: create their deliveries, exactly once and in the order of the events."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, func, select, tuple_, update
from sqlalchemy.orm import Session

from models.base import table
from models.events import EVENT_ID
from models.webhook_deliveries import WebhookPosition
from services.events import FINISHED
from services.webhook_deliveries import endpoints, events, insertion, matches

BATCH = 500
# Maximum number of deliveries in one INSERT of several events, which then takes up to a second:
# less than the statement timeout.
MAX_DELIVERIES = 5_000
position = table(WebhookPosition)
in_order = tuple_(events.c.txid, events.c.id)
LOCKED = select(position.c.txid, position.c.event_id).with_for_update(skip_locked=True)
# Parameters of the statements: the position, and the last event of the batch.
AFTER, UP_TO = (
    tuple_(bindparam(f"{name}_txid", type_=BigInteger), bindparam(f"{name}_id", type_=EVENT_ID))
    for name in ("after", "last")
)
BATCH_EVENTS = (
    select(events.c.txid, events.c.id)
    .where(in_order > AFTER, FINISHED)
    .order_by(events.c.txid, events.c.id)
    .limit(bindparam("limit"))
    .subquery()
)
LAST = (
    select(BATCH_EVENTS, func.count().over().label("number"))
    .order_by(BATCH_EVENTS.c.txid.desc(), BATCH_EVENTS.c.id.desc())
    .limit(1)
)
ENABLED = select(func.count()).where(endpoints.c.enabled)
# The events of the batch, each with the endpoints that receive it.
PAIRS = (
    select(endpoints.c.id.label("endpoint_id"), events.c.id.label("event_id"))
    .join_from(events, endpoints, matches())
    .where(
        in_order > AFTER,
        in_order <= UP_TO,
        endpoints.c.enabled,
        endpoints.c.created_at <= events.c.created_at,
    )
)
INSERT = insertion(PAIRS).on_conflict_do_nothing()
MOVE = update(position).values(txid=bindparam("last_txid"), event_id=bindparam("last_id"))


class Batch(NamedTuple):
    """Number of events that got their deliveries; `full` if more events may wait."""

    events: int
    full: bool


def fan_out(session: Session, limit: int = BATCH, max_deliveries: int = MAX_DELIVERIES) -> Batch:
    """Create the deliveries of the next events.

    The lock on the row of the position ensures that each delivery is created exactly once. While
    another deliverer has the lock, the batch is empty.
    """
    start = session.execute(LOCKED).one_or_none()
    if start is None:
        return Batch(0, full=False)
    after = {"after_txid": start.txid, "after_id": start.event_id}
    # At least one event, so that the position moves with any number of endpoints.
    most = min(limit, max(1, max_deliveries // (session.scalar(ENABLED) or 1)))
    last = session.execute(LAST, {**after, "limit": most}).one_or_none()
    if last is None:
        return Batch(0, full=False)
    end = {"last_txid": last.txid, "last_id": last.id}
    session.execute(INSERT, {**after, **end})
    session.execute(MOVE, end)
    return Batch(last.number, full=last.number == most)


def oldest_waiting(session: Session) -> datetime | None:
    """Return the time of the first event that the fan-out has not processed."""
    start = session.execute(select(position.c.txid, position.c.event_id)).one()
    after = {"after_txid": start.txid, "after_id": start.event_id}
    first = select(events.c.created_at).where(in_order > AFTER)
    return session.scalar(first.order_by(events.c.txid, events.c.id).limit(1), after)
