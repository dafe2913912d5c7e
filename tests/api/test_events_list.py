"""GET /api/events: a reader that follows the list gets every event once, in order.

The list ends before the oldest transaction that runs in any database of the server, which may be
one of another test. So these tests wait for an event to appear.
"""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.events import EventType
from models.users import Role
from services import events
from services.principals import Actor
from tests.support.api_keys import new_key, using
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.waiting import wait_for

URL = "/api/events"
SECONDS = 120


@pytest.fixture
def as_admin(app, own_engine, use_engine) -> ApiClient:
    """Return an administrator of an application that commits, with its own database."""
    use_engine(own_engine)
    with Session(own_engine, expire_on_commit=False) as session:
        admin = UserFactory.build(role=Role.ADMIN)
        session.add(admin)
        session.commit()
    return ApiClient(app).signed_in(admin)


def record(engine, *resource_ids, event_type=EventType.USER_DEACTIVATED, actor="user_a"):
    """Commit events, in one transaction."""
    with Session(engine) as session, session.begin():
        for each in resource_ids:
            events.record(session, event_type, each, 1, Actor(actor, "request"))


def page(client, **query) -> dict[str, Any]:
    response = client.get(URL, query_string=query)
    assert response.status_code == 200, response.text
    return response.json


def ids(found):
    return [event["resource_id"] for event in found["items"]]


def wait_for_event(client, resource_id):
    wait_for(lambda: resource_id in ids(page(client, limit=100)), SECONDS)


class TestAccess:
    def test_anonymous_is_a_401_and_a_user_a_403(self, client, as_user):
        assert client.get(URL).status_code == 401
        assert as_user.get(URL).status_code == 403

    def test_api_key_needs_the_scope(self, app, as_admin):
        assert using(app, new_key(as_admin, "users:manage")["key"]).get(URL).status_code == 403
        assert using(app, new_key(as_admin, "events:read")["key"]).get(URL).status_code == 200


class TestList:
    def test_event_has_all_fields(self, as_admin, own_engine):
        with Session(own_engine) as session, session.begin():
            actor = Actor("key_a", "request-1")
            events.record(session, EventType.API_KEY_CREATED, "key_b", None, actor, user_id="u")
        wait_for_event(as_admin, "key_b")

        [event] = page(as_admin)["items"]

        assert event.pop("id").startswith("event_")
        assert event.pop("created_at").endswith("Z")
        assert event == {
            "type": "api_key.created",
            "resource_id": "key_b",
            "resource_version": None,
            "data": {"user_id": "u"},
            "actor": "key_a",
            "request_id": "request-1",
        }

    def test_filters_can_be_combined(self, as_admin, own_engine):
        record(own_engine, "a", "b")
        record(own_engine, "a", event_type=EventType.USER_REGISTERED)
        record(own_engine, "a", "last", actor="user_b")
        wait_for_event(as_admin, "last")

        assert ids(page(as_admin)) == ["a", "b", "a", "a", "last"]
        assert ids(page(as_admin, resource_id="a")) == ["a", "a", "a"]
        assert ids(page(as_admin, type="user.registered")) == ["a"]
        assert ids(page(as_admin, actor="user_b")) == ["a", "last"]
        assert ids(page(as_admin, actor="user_b", resource_id="a")) == ["a"]
        assert ids(page(as_admin, actor="absent")) == []

    def test_unknown_type_is_a_422(self, as_admin):
        assert as_admin.get(f"{URL}?type=user.eaten").status_code == 422


class TestFollow:
    def test_resume_cursor_leads_to_every_event_once(self, as_admin, own_engine):
        record(own_engine, *"abc")
        wait_for_event(as_admin, "c")

        pages = [page(as_admin, limit=2)]
        while pages[-1]["items"]:
            pages.append(page(as_admin, limit=2, cursor=pages[-1]["resume_cursor"]))

        assert [ids(each) for each in pages] == [["a", "b"], ["c"], []]
        assert [bool(each["next_cursor"]) for each in pages] == [True, False, False]

    def test_cursor_of_the_end_leads_to_later_events(self, as_admin, own_engine):
        assert page(as_admin) == {"items": [], "next_cursor": None, "resume_cursor": None}
        record(own_engine, "a")
        wait_for_event(as_admin, "a")
        end = page(as_admin)["resume_cursor"]
        assert page(as_admin, cursor=end)["resume_cursor"] == end

        record(own_engine, "b")
        wait_for_event(as_admin, "b")

        assert ids(page(as_admin, cursor=end)) == ["b"]

    def test_event_of_an_older_transaction_is_not_skipped(self, as_admin, own_engine):
        with Session(own_engine) as slow:
            events.record(slow, EventType.USER_DEACTIVATED, "slow", 1, Actor())
            record(own_engine, "fast")

            assert ids(page(as_admin)) == []

            slow.commit()
        wait_for_event(as_admin, "fast")
        assert ids(page(as_admin)) == ["slow", "fast"]
