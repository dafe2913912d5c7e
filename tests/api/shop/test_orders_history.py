"""The history of an order: each change of status, with user and time."""

from datetime import datetime

import pytest
from sqlalchemy import func, select

from models.orders import OrderChange, OrderStatus
from models.users import Role
from services import orders
from services.errors import Forbidden
from services.principals import Principal
from tests.support.api_keys import new_key, using
from tests.support.shop import OrderFactory


@pytest.fixture
def order(user):
    return OrderFactory(user_id=user.id)


@pytest.fixture
def url(order):
    return f"/api/orders/{order.id}"


def steps(response):
    return [(step["from"], step["to"], step["by"]) for step in response.json["history"]]


class TestHistory:
    def test_new_order_has_no_history(self, as_user, url):
        assert as_user.get(url).json["history"] == []

    def test_history_lists_each_change_with_its_user(self, as_user, as_admin, url, admin):
        for status in ("paid", "shipped", "delivered"):
            as_admin.patch(url, json={"status": status})

        assert steps(as_user.get(url)) == [
            ("pending", "paid", admin.id),
            ("paid", "shipped", admin.id),
            ("shipped", "delivered", admin.id),
        ]

    def test_response_of_the_change_contains_the_new_entry(
        self, as_user, as_admin, url, user, admin
    ):
        paid = as_admin.patch(url, json={"status": "paid"})
        cancelled = as_user.post(f"{url}/cancel")

        assert steps(paid) == [("pending", "paid", admin.id)]
        assert steps(cancelled) == [*steps(paid), ("paid", "cancelled", user.id)]
        assert cancelled.json == as_user.get(url).json

    def test_times_are_in_ascending_order(self, as_admin, url, order):
        as_admin.patch(url, json={"status": "paid"})
        history = as_admin.patch(url, json={"status": "shipped"}).json["history"]

        times = [datetime.fromisoformat(step["at"]) for step in history]

        assert order.created_at <= times[0] < times[1]

    def test_rejected_change_adds_no_history(self, as_admin, url, session):
        assert as_admin.patch(url, json={"status": "delivered"}).status_code == 409
        stale = {"If-Match": '"0-0"'}
        assert as_admin.patch(url, json={"status": "paid"}, headers=stale).status_code == 412

        assert session.scalar(select(func.count()).select_from(OrderChange)) == 0

    def test_list_contains_the_history(self, as_user, as_admin, url, admin):
        as_admin.patch(url, json={"status": "paid"})

        (listed,) = as_user.get("/api/orders").json["items"]

        assert listed == as_user.get(url).json

    def test_change_with_an_api_key_names_the_key(self, app, as_admin, url):
        scopes = ("orders:write", "orders:manage")
        key = new_key(as_admin, *scopes, service_account="warehouse")
        using(app, key["key"]).patch(url, json={"status": "paid"})
        as_admin.patch(url, json={"status": "shipped"})

        by_key, by_session = as_admin.get(url).json["history"]

        assert (by_key["by"], by_key["by_api_key"]) == (key["user_id"], key["id"])
        assert by_session["by_api_key"] is None


class TestRequiredScopes:
    def test_service_rejects_a_change_without_the_scope(self, session, order, user):
        """The service function checks the scope, independent of the endpoint."""
        principal = Principal(user.id, "session", Role.USER)

        with pytest.raises(Forbidden):
            orders.update(session, principal, order.id, {"status": OrderStatus.PAID})

        assert order.status == "pending"
