"""Webhook deliveries for callers of the API: list, send a test, redeliver, replay."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from models.base import table
from models.events import EVENT_ID, Event
from models.webhook_deliveries import DeliveryStatus, WebhookDelivery
from models.webhook_endpoints import WebhookEndpoint
from services import pages, queries, webhook_endpoints
from services.errors import InvalidInput, NotFound, Problem

# Largest number of events in a replay, so that its statement takes at most about a second.
MAX_REPLAY = 10_000
# Maximum difference (seconds) between the clock of a process, which is in ids, and the clock of
# PostgreSQL, which is in `created_at`.
CLOCK_SKEW = timedelta(hours=1).total_seconds()

deliveries, endpoints, events = table(WebhookDelivery), table(WebhookEndpoint), table(Event)
# The values that start a delivery again, from the first attempt.
AGAIN: dict[str, Any] = {
    "status": DeliveryStatus.PENDING,
    "attempts": 0,
    "next_attempt_at": func.now(),
    "updated_at": func.now(),
}


class EventDeleted(Problem):
    status, slug, title = 409, "event-deleted", "Event deleted"
    detail = "The event of this delivery was deleted after its retention; it cannot be sent again."
    advice = "Read the resource that the event was about."


def matches() -> ColumnElement[bool]:
    """Return the condition that an endpoint subscribes to the type of an event."""
    every = func.cardinality(endpoints.c.event_types) == 0
    return or_(every, events.c.type == func.any(endpoints.c.event_types))


def insertion(chosen: Select) -> Insert:
    """Return the INSERT of the deliveries for selected pairs of `endpoint_id` and `event_id`."""
    pairs = chosen.subquery()
    columns = select(func.gen_random_uuid(), pairs.c.endpoint_id, pairs.c.event_id)
    return insert(deliveries).from_select(["id", "endpoint_id", "event_id"], columns)


def list_of_endpoint(
    session: Session, endpoint_id: str, page: pages.PageRequest, filters: Mapping[str, Any]
) -> pages.Page:
    """Return a page of the deliveries of an endpoint, newest first.

    Raises:
        NotFound: the endpoint does not exist.
    """
    webhook_endpoints.get(session, endpoint_id)
    values = {"endpoint_id": endpoint_id, **filters}
    return pages.read_page(session, queries.rows(WebhookDelivery, *values), page, values)


def send_test(session: Session, endpoint_id: str) -> WebhookDelivery:
    """Create the delivery of a test message.

    Raises:
        NotFound: the endpoint does not exist.
    """
    webhook_endpoints.get(session, endpoint_id)
    delivery = WebhookDelivery(endpoint_id=endpoint_id, event_id=EVENT_ID.new(), is_test=True)
    session.add(delivery)
    session.flush()
    session.refresh(delivery)
    return delivery


def redeliver(session: Session, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
    """Queue a delivery again, with the same `webhook-id`.

    Raises:
        NotFound: the delivery does not exist.
        EventDeleted: the event of the delivery was deleted.
    """
    mine = (WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id)
    delivery = session.scalar(select(WebhookDelivery).where(*mine).with_for_update())
    if delivery is None:
        raise NotFound
    event = select(Event.id).where(Event.id == delivery.event_id)
    if not delivery.is_test and session.scalar(event) is None:
        raise EventDeleted
    for name, value in AGAIN.items():
        setattr(delivery, name, value)
    session.flush()
    session.refresh(delivery)
    return delivery


def replay(session: Session, endpoint_id: str, since: datetime, until: datetime) -> int:
    """Queue deliveries of the events of a period to an endpoint, and return their number.

    Raises:
        NotFound: the endpoint does not exist.
        InvalidInput: the period has too many events.
    """
    webhook_endpoints.get(session, endpoint_id)
    chosen = (
        select(endpoints.c.id.label("endpoint_id"), events.c.id.label("event_id"))
        .where(endpoints.c.id == endpoint_id, matches(), _created(since, until))
        .limit(MAX_REPLAY + 1)
    )
    again = insertion(chosen).on_conflict_do_update(
        index_elements=[deliveries.c.event_id, deliveries.c.endpoint_id], set_=AGAIN
    )
    count = len(session.execute(again.returning(literal(1))).all())
    if count > MAX_REPLAY:
        text = f"The period has more than {MAX_REPLAY} events; choose a shorter one."
        raise InvalidInput.at(["/until"], text)
    return count


def _created(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Return the condition on the time of an event; the primary key limits the search."""
    return and_(
        events.c.id >= EVENT_ID.at(since.timestamp() - CLOCK_SKEW),
        events.c.id < EVENT_ID.at(until.timestamp() + CLOCK_SKEW),
        events.c.created_at >= since,
        events.c.created_at < until,
    )
