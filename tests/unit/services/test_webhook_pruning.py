"""Pruning keeps pending deliveries and their events."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from models.events import EVENT_ID, Event
from models.webhook_deliveries import WebhookDelivery
from models.webhook_endpoints import WebhookEndpoint
from services import pruning

NOW = datetime.now(UTC)
OLD, RECENT = NOW - timedelta(days=31), NOW - timedelta(days=29)


@pytest.fixture
def add(session):
    """Return a function that creates an old event, with a delivery to an endpoint."""

    def create(status, changed_at, **endpoint):
        receiver = WebhookEndpoint(url="https://example.com/", secret="x", **endpoint)
        event_id = EVENT_ID.at(OLD.timestamp() + session.query(Event).count())
        event = Event(id=event_id, type="user.registered", resource_id="user_1", data={})
        session.add_all([receiver, event])
        session.flush()
        delivery = WebhookDelivery(
            endpoint_id=receiver.id, event_id=event.id, status=status, updated_at=changed_at
        )
        session.add(delivery)
        session.flush()
        return delivery

    return create


def test_deliveries_that_finished_thirty_days_ago_are_deleted(session, add):
    kept = [add("pending", OLD), add("pending", OLD, enabled=False), add("failed", RECENT)]
    for _ in range(2):
        add("delivered", OLD)
    add("pending", OLD, enabled=False, updated_at=OLD)

    assert [pruning.deliveries(session, 2) for _ in range(3)] == [2, 1, 0]

    assert set(session.scalars(select(WebhookDelivery.id))) == {each.id for each in kept}


def test_event_of_a_pending_delivery_is_kept(session, add):
    pending, _ = add("pending", OLD), add("delivered", OLD)

    assert pruning.events(session, 10) == 1

    assert session.scalars(select(Event.id)).all() == [pending.event_id]
