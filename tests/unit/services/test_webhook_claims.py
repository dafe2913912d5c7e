"""Claims and results of webhook deliveries."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.events import Event, EventType
from models.webhook_deliveries import DeliveryStatus, WebhookDelivery
from models.webhook_endpoints import WebhookEndpoint
from services import webhook_claims, webhook_endpoints, webhook_results
from services.webhook_claims import LEASE
from services.webhook_fanout import fan_out
from services.webhook_requests import Response
from services.webhook_results import DELAYS, JITTER, Result, delay
from tests.support.webhooks import ADMIN, add_endpoint, add_events

URL = "https://example.com/hook"
OK, BAD, GONE = (Response(status, 5, "text", None) for status in (200, 500, 410))
DAY = timedelta(days=1)


@pytest.fixture
def endpoint(own_engine):
    return add_endpoint(own_engine, URL)


@pytest.fixture
def session(own_engine, endpoint):
    """Return a session of a database with three deliveries."""
    add_events(own_engine, 3)
    with Session(own_engine, expire_on_commit=False) as session:
        fan_out(session)
        session.commit()
        yield session


def claim(session, count=1):
    due = webhook_claims.due_endpoints(session)
    claimed, _ = webhook_claims.claim(session, {each.id: count for each in due})
    session.commit()
    return claimed


def record(session, *results):
    webhook_results.record(session, [Result(*each) for each in results])
    session.commit()
    session.expire_all()


def set_all(session, model, **values):
    session.execute(update(model).values(values))
    session.commit()
    session.expire_all()


def now(session):
    return session.scalar(select(func.clock_timestamp()))


def disabled_events(session):
    kind = EventType.WEBHOOK_ENDPOINT_DISABLED
    return session.scalars(select(Event).where(Event.type == kind)).all()


class TestClaim:
    def test_takes_the_wanted_number_and_leaves_the_rest_to_others(self, own_engine, session):
        with Session(own_engine) as first:
            (endpoint,) = webhook_claims.due_endpoints(first)
            taken, _ = webhook_claims.claim(first, {endpoint.id: 2})
            # The first transaction still runs.
            others = claim(session, 9)
            first.commit()
            taken_ids = {delivery.id for delivery in taken}

        assert len(taken_ids) == 2
        assert len(others) == 1
        assert others[0].id not in taken_ids
        assert claim(session, 9) == []

    def test_returns_an_event_once_for_all_its_endpoints(self, own_engine, session):
        add_endpoint(own_engine, URL)
        add_events(own_engine)
        fan_out(session)
        due = webhook_claims.due_endpoints(session)

        claimed, events = webhook_claims.claim(session, {each.id: 9 for each in due})

        assert len(claimed) == 3 + 2
        assert sorted(event.id for event in events) == sorted({each.event_id for each in claimed})

    def test_returns_after_the_lease(self, session):
        (claimed,) = claim(session)
        moved = WebhookDelivery.next_attempt_at - LEASE
        set_all(session, WebhookDelivery, next_attempt_at=moved)

        again = {delivery.id: delivery.attempts for delivery in claim(session, 9)}

        assert again[claimed.id] == 2
        assert sorted(again.values()) == [1, 1, 2]

    def test_disabled_endpoint_has_none_until_it_is_enabled(self, session):
        set_all(session, WebhookEndpoint, enabled=False)
        assert claim(session, 9) == []

        set_all(session, WebhookEndpoint, enabled=True)
        assert len(claim(session, 9)) == 3

    def test_delivery_of_a_deleted_event_fails(self, session):
        session.execute(Event.__table__.delete())

        assert claim(session, 9) == []

        statuses = session.scalars(select(WebhookDelivery.status)).all()
        assert statuses == [DeliveryStatus.FAILED] * 3

    def test_backlog_counts_what_is_due(self, session):
        claim(session)
        (backlog,) = webhook_claims.backlog(session)
        assert (backlog.failing, backlog.due) == (False, 2)
        assert backlog.oldest <= now(session)


class TestResult:
    def test_success_is_stored(self, session):
        (delivery,) = claim(session)

        record(session, (delivery, OK))

        stored = session.get(WebhookDelivery, delivery.id)
        assert (stored.status, stored.attempts) == ("delivered", 1)
        assert (stored.last_status, stored.last_latency_ms) == (200, 5)
        assert (stored.last_response, stored.last_error) == ("text", None)

    @pytest.mark.parametrize("attempt", range(1, 8))
    def test_failure_is_retried_by_the_schedule(self, session, attempt):
        set_all(session, WebhookDelivery, attempts=attempt - 1)
        (delivery,) = claim(session)
        before = now(session)

        record(session, (delivery, None, "refused"))

        stored = session.get(WebhookDelivery, delivery.id)
        least, most = ((1 + sign * JITTER) * DELAYS[attempt - 1] for sign in (-1, 1))
        assert before + least <= stored.next_attempt_at <= now(session) + most
        assert (stored.status, stored.last_error) == ("pending", "refused")

    def test_eighth_failure_is_final(self, session):
        set_all(session, WebhookDelivery, attempts=7)
        (delivery,) = claim(session)

        record(session, (delivery, BAD))

        stored = session.get(WebhookDelivery, delivery.id)
        assert (stored.status, stored.attempts) == ("failed", 8)

    def test_eight_attempts_take_about_27_hours(self):
        assert len(DELAYS) == 7
        assert timedelta(hours=27) < sum(DELAYS, timedelta()) < timedelta(hours=28)

    def test_retry_after_counts_if_it_is_longer(self):
        assert delay(1, 3600) == timedelta(hours=1)
        assert delay(4, 1) > timedelta(hours=1)

    def test_late_failure_does_not_change_a_newer_attempt(self, session):
        (late,) = claim(session)
        set_all(session, WebhookDelivery, attempts=2)

        record(session, (late, None, "late"))
        stored = session.get(WebhookDelivery, late.id)
        assert (stored.last_error, stored.attempts) == (None, 2)

        record(session, (late, OK))
        assert session.get(WebhookDelivery, late.id).status == "delivered"

    def test_failure_does_not_undo_a_success(self, session):
        (delivery,) = claim(session)

        record(session, (delivery, OK))
        record(session, (delivery, BAD))

        assert session.get(WebhookDelivery, delivery.id).status == "delivered"


class TestEndpoint:
    def test_410_disables_it_with_one_event(self, session, endpoint):
        record(session, *((delivery, GONE) for delivery in claim(session, 2)))

        stored = session.get(WebhookEndpoint, endpoint.id)
        assert (stored.enabled, stored.disabled_reason, stored.version) == (False, "gone", 2)
        (event,) = disabled_events(session)
        assert (event.resource_id, event.resource_version, event.actor_id) == (stored.id, 2, None)

    def test_five_days_of_failures_disable_it(self, session, endpoint):
        first, second = claim(session, 2)
        record(session, (first, BAD))
        failing_since = session.get(WebhookEndpoint, endpoint.id).failing_since
        assert failing_since
        set_all(session, WebhookEndpoint, failing_since=failing_since - 5 * DAY)

        record(session, (second, None, "refused"))

        stored = session.get(WebhookEndpoint, endpoint.id)
        assert (stored.enabled, stored.disabled_reason) == (False, "failing")
        assert len(disabled_events(session)) == 1

    def test_success_starts_the_five_days_again(self, session, endpoint):
        first, second = claim(session, 2)
        record(session, (first, BAD))
        set_all(session, WebhookEndpoint, failing_since=datetime.now(UTC) - 6 * DAY)

        record(session, (second, OK))

        stored = session.get(WebhookEndpoint, endpoint.id)
        assert (stored.enabled, stored.failing_since, stored.version) == (True, None, 1)

    def test_enabling_it_forgets_the_failures(self, session, endpoint):
        record(session, *((delivery, GONE) for delivery in claim(session)))

        webhook_endpoints.change(session, ADMIN, None, endpoint.id, {"enabled": True})

        stored = session.get(WebhookEndpoint, endpoint.id)
        assert (stored.enabled, stored.disabled_reason, stored.failing_since) == (True, None, None)

    def test_deletion_deletes_its_deliveries(self, session, endpoint):
        webhook_endpoints.delete(session, ADMIN, endpoint.id)
        assert session.scalars(select(WebhookDelivery)).all() == []
