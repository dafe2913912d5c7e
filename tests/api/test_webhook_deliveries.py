"""Webhook deliveries: list, test, redeliver, replay."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, update

from models.events import Event
from models.webhook_deliveries import WebhookDelivery
from services import webhook_deliveries
from tests.support.webhooks import URL, record_events

NOW = datetime.now(UTC)


@pytest.fixture
def location(as_admin):
    """Return the URL of an endpoint that gets events of users."""
    body = {"url": "https://example.com/hook", "event_types": ["user.registered"]}
    return as_admin.post(URL, json=body).headers["Location"]


@pytest.fixture
def add_events(session):
    """Return a function that records events."""

    def add(count, **fields):
        record_events(session, count, **fields)
        session.commit()

    return add


def listed(client, location, query=""):
    response = client.get(f"{location}/deliveries{query}")
    assert response.status_code == 200, response.text
    return response.json["items"]


def replay(client, location, since=-1.0, until=1.0):
    times = {"since": NOW + timedelta(days=since), "until": NOW + timedelta(days=until)}
    body = {name: time.isoformat() for name, time in times.items()}
    return client.post(f"{location}/replay", json=body)


class TestTest:
    def test_creates_a_pending_delivery(self, as_admin, location):
        response = as_admin.post(f"{location}/test")

        assert response.status_code == 202
        assert (response.json["status"], response.json["is_test"]) == ("pending", True)
        assert listed(as_admin, location) == [response.json]
        assert as_admin.post(f"{URL}/absent/test").status_code == 404


class TestList:
    def test_filters_by_status(self, as_admin, location, session):
        made = [as_admin.post(f"{location}/test").json["id"] for _ in range(3)]
        failed = update(WebhookDelivery).where(WebhookDelivery.id == made[1])
        session.execute(failed.values(status="failed", last_status=500, last_response="no"))
        session.commit()

        (shown,) = listed(as_admin, location, "?status=failed")

        assert (shown["id"], shown["last_status"], shown["last_response"]) == (made[1], 500, "no")
        assert len(listed(as_admin, location, "?status=pending")) == 2
        assert as_admin.get(f"{location}/deliveries?status=unknown").status_code == 422

    def test_pages_are_of_one_endpoint_and_follow_each_other(self, as_admin, location):
        other = as_admin.post(URL, json={"url": "https://example.com/"}).headers["Location"]
        as_admin.post(f"{other}/test")
        expected = [as_admin.post(f"{location}/test").json["id"] for _ in range(3)][::-1]

        page = as_admin.get(f"{location}/deliveries?limit=2")
        rest = as_admin.get(page.headers["Link"].partition(">")[0].lstrip("<"))

        assert [each["id"] for each in page.json["items"] + rest.json["items"]] == expected

    def test_unknown_endpoint_is_a_404(self, as_admin):
        assert as_admin.get(f"{URL}/absent/deliveries").status_code == 404


class TestRedeliver:
    @pytest.fixture
    def delivery(self, as_admin, location, add_events, session):
        """Return the URL of a delivery that has failed."""
        add_events(1)
        replay(as_admin, location)
        session.execute(update(WebhookDelivery).values(status="failed", attempts=8))
        session.commit()
        (shown,) = listed(as_admin, location)
        return f"{location}/deliveries/{shown['id']}"

    def test_makes_it_pending_with_the_same_event(self, as_admin, location, delivery):
        (before,) = listed(as_admin, location)

        response = as_admin.post(f"{delivery}/redeliver")

        assert response.status_code == 202
        assert (response.json["status"], response.json["attempts"]) == ("pending", 0)
        assert response.json["event_id"] == before["event_id"]
        assert listed(as_admin, location) == [response.json]

    def test_deleted_event_is_a_409(self, as_admin, delivery, session):
        session.execute(delete(Event))
        session.commit()

        response = as_admin.post(f"{delivery}/redeliver")

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/event-deleted"

    def test_delivery_of_another_endpoint_is_a_404(self, as_admin, delivery):
        other = as_admin.post(URL, json={"url": "https://example.com/"}).headers["Location"]
        wrong = f"{other}/deliveries/{delivery.rpartition('/')[2]}/redeliver"
        assert as_admin.post(wrong).status_code == 404


class TestReplay:
    def test_creates_deliveries_of_the_types_and_the_period(self, as_admin, location, add_events):
        add_events(2)
        add_events(1, type="user.deactivated")

        assert replay(as_admin, location).json == {"deliveries": 2}
        assert len(listed(as_admin, location, "?status=pending")) == 2
        assert replay(as_admin, location, -2, -1).json == {"deliveries": 0}
        assert replay(as_admin, location, 1, 2).json == {"deliveries": 0}

    def test_limits_of_the_period_are_those_of_the_time_of_the_event(
        self, as_admin, location, add_events, session
    ):
        add_events(1)
        created_at = session.scalar(func.max(Event.created_at).select())
        day = timedelta(days=1)

        def count(since, until):
            body = {"since": since.isoformat(), "until": until.isoformat()}
            return as_admin.post(f"{location}/replay", json=body).json["deliveries"]

        assert count(created_at, created_at + day) == 1
        assert count(created_at - day, created_at) == 0

    def test_second_replay_sends_the_same_deliveries_again(
        self, as_admin, location, add_events, session
    ):
        add_events(1)
        replay(as_admin, location)
        session.execute(update(WebhookDelivery).values(status="delivered", attempts=1))
        session.commit()

        assert replay(as_admin, location).json == {"deliveries": 1}

        (shown,) = listed(as_admin, location)
        assert (shown["status"], shown["attempts"]) == ("pending", 0)

    def test_too_many_events_are_a_422_and_none_is_sent(
        self, as_admin, location, add_events, monkeypatch
    ):
        monkeypatch.setattr(webhook_deliveries, "MAX_REPLAY", 2)
        add_events(3)

        response = replay(as_admin, location)

        assert response.status_code == 422
        assert [each["pointer"] for each in response.json["errors"]] == ["/until"]
        assert listed(as_admin, location) == []

    def test_end_is_now_by_default_and_must_be_after_the_start(self, as_admin, location):
        ago = (NOW - timedelta(days=1)).isoformat()
        assert as_admin.post(f"{location}/replay", json={"since": ago}).status_code == 202
        assert replay(as_admin, location, 1, -1).status_code == 422
        assert as_admin.post(f"{URL}/absent/replay", json={"since": ago}).status_code == 404

    @pytest.mark.parametrize("year", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
    def test_extreme_times_are_accepted(self, as_admin, location, year):
        since, until = sorted([year, "2026-01-01T00:00:00Z"])
        body = {"since": since, "until": until}
        assert as_admin.post(f"{location}/replay", json=body).status_code == 202
