"""Fan-out: each finished event has one delivery per endpoint that receives its type."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.events import Event, EventType
from models.webhook_deliveries import WebhookDelivery, WebhookPosition
from models.webhook_endpoints import WebhookEndpoint
from services import webhook_deliveries
from services.webhook_fanout import fan_out
from tests.support.webhooks import (
    add_endpoint,
    add_events,
    record_events,
    wait_until_finished,
)

URL = "https://example.com/hook"


@pytest.fixture
def session(own_engine):
    with Session(own_engine, expire_on_commit=False) as session:
        yield session


def run(engine, *args, **options):
    with Session(engine) as session, session.begin():
        return fan_out(session, *args, **options).events


def deliveries(engine):
    """Return the pairs of endpoint and event that have a delivery."""
    columns = WebhookDelivery.endpoint_id, WebhookDelivery.event_id
    with Session(engine) as session:
        return sorted(map(tuple, session.execute(select(*columns))))


def event_ids(engine):
    with Session(engine) as session:
        return session.scalars(select(Event.id).order_by(Event.txid, Event.id)).all()


def test_each_event_has_one_delivery_per_endpoint(own_engine):
    endpoints = [add_endpoint(own_engine, URL) for _ in range(2)]
    add_events(own_engine, 3)

    assert (run(own_engine), run(own_engine)) == (3, 0)

    expected = sorted((each.id, event) for each in endpoints for event in event_ids(own_engine))
    assert deliveries(own_engine) == expected


def test_full_batch_tells_that_more_events_may_wait(own_engine):
    add_endpoint(own_engine, URL)
    add_events(own_engine, 3)

    with Session(own_engine) as session, session.begin():
        assert [fan_out(session, 2) for _ in range(2)] == [(2, True), (1, False)]


def test_batches_continue_in_order_also_within_a_transaction(own_engine):
    endpoint = add_endpoint(own_engine, URL)
    add_events(own_engine, 5)

    assert [run(own_engine, 2) for _ in range(4)] == [2, 2, 1, 0]

    assert deliveries(own_engine) == sorted((endpoint.id, each) for each in event_ids(own_engine))


def test_many_endpoints_get_fewer_events_per_batch(own_engine):
    """Otherwise the INSERT would exceed the statement timeout, and no batch would succeed."""
    for _ in range(3):
        add_endpoint(own_engine, URL)
    add_endpoint(own_engine, URL, enabled=False)
    add_events(own_engine, 5)

    assert [run(own_engine, max_deliveries=7) for _ in range(4)] == [2, 2, 1, 0]
    add_events(own_engine, 2)
    assert [run(own_engine, max_deliveries=2) for _ in range(3)] == [1, 1, 0]

    assert len(deliveries(own_engine)) == 3 * 7


def test_event_of_a_transaction_that_commits_late_is_not_skipped(own_engine):
    add_endpoint(own_engine, URL)
    with Session(own_engine) as slow, slow.begin():
        record_events(slow)
        with Session(own_engine) as other, other.begin():
            record_events(other)
        # The second event has committed, but is behind the first one.
        assert run(own_engine) == 0

    wait_until_finished(own_engine)
    assert run(own_engine) == 2
    assert len(deliveries(own_engine)) == 2


def test_parallel_deliverers_create_each_delivery_once(own_engine):
    add_endpoint(own_engine, URL)
    add_events(own_engine, 50)

    with ThreadPoolExecutor(4) as threads:
        counts = threads.map(lambda _: sum(run(own_engine, 3) for _ in range(20)), range(4))

    assert sum(counts) + run(own_engine) == 50
    assert len(deliveries(own_engine)) == 50


def test_rollback_repeats_the_events(own_engine):
    add_endpoint(own_engine, URL)
    add_events(own_engine)
    with Session(own_engine) as session:
        assert fan_out(session).events == 1

    assert run(own_engine) == 1
    assert len(deliveries(own_engine)) == 1


def test_only_chosen_types_enabled_endpoints_and_later_events(own_engine, session):
    kind, other = EventType.USER_REGISTERED, EventType.USER_DEACTIVATED
    chosen = add_endpoint(own_engine, URL, event_types=[kind])
    add_endpoint(own_engine, URL, event_types=[other])
    add_endpoint(own_engine, URL, enabled=False)
    new = add_endpoint(own_engine, URL)
    add_events(own_engine, type=kind)
    later = update(WebhookEndpoint).where(WebhookEndpoint.id == new.id)
    session.execute(later.values(created_at=func.now()))
    session.commit()

    run(own_engine)

    assert [endpoint for endpoint, _ in deliveries(own_engine)] == [chosen.id]


def test_position_moves_without_endpoints(own_engine, session):
    add_events(own_engine, 2)

    assert (run(own_engine), run(own_engine)) == (2, 0)

    last = session.scalars(select(Event).order_by(Event.txid.desc(), Event.id.desc())).first()
    position = session.scalars(select(WebhookPosition)).one()
    assert (position.txid, position.event_id) == (last.txid, last.id)


def test_event_that_was_replayed_first_has_one_delivery(own_engine):
    endpoint = add_endpoint(own_engine, URL)
    add_events(own_engine)
    day, now = timedelta(days=1), datetime.now(UTC)
    with Session(own_engine) as session, session.begin():
        assert webhook_deliveries.replay(session, endpoint.id, now - day, now + day) == 1

    assert run(own_engine) == 1
    assert len(deliveries(own_engine)) == 1


def test_restored_database_on_another_server_doubles_and_skips_nothing(own_engine, session):
    """The transaction ids of a new server are lower; see the runbook "Restore the database"."""
    add_endpoint(own_engine, URL)
    add_events(own_engine, 2)
    run(own_engine)
    session.execute(update(Event).values(txid=0))
    session.execute(update(WebhookPosition).values(txid=-1))
    session.commit()
    add_events(own_engine)

    while run(own_engine, 2):
        pass

    assert len(deliveries(own_engine)) == len(event_ids(own_engine)) == 3
