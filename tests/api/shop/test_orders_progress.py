"""One order: read it, change its status, cancel it."""

from itertools import product as pairs

import pytest

from models.orders import OrderItem, OrderStatus
from models.products import MAX_STOCK
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.shop import OrderFactory, ProductFactory

CANCELLED = OrderStatus.CANCELLED
ALLOWED = {
    ("pending", "paid"),
    ("pending", "cancelled"),
    ("paid", "shipped"),
    ("paid", "cancelled"),
    ("shipped", "delivered"),
}
CANCELLABLE = [status for status, to in sorted(ALLOWED) if to == "cancelled"]
FINAL = [status for status in OrderStatus if status not in CANCELLABLE]
ABSENT = "order_01kj6zv8m4f5tbq0c9xn2hd7ea"
# Each operation on one order that its owner may call.
OPERATIONS = [("GET", ""), ("POST", "/cancel")]


@pytest.fixture
def mug(session):
    """Create a product with a stock of seven."""
    return ProductFactory(stock=7)


@pytest.fixture
def order(user, mug):
    """Create an order of three mugs."""
    return placed(user, mug)


def placed(user, product, status=OrderStatus.PENDING):
    item = OrderItem(position=0, product_id=product.id, quantity=3, unit_price=product.price)
    return OrderFactory(user_id=user.id, status=status, items=[item])


def stock(session, product):
    session.refresh(product)
    return product.stock


def move(client, order, status, **kwargs):
    return client.patch(f"/api/orders/{order.id}", json={"status": status}, **kwargs)


def cancel(client, order, **kwargs):
    return client.post(f"/api/orders/{order.id}/cancel", **kwargs)


def etag(client, order):
    return client.get(f"/api/orders/{order.id}").headers["ETag"]


class TestOrderOfAnotherUser:
    @pytest.mark.parametrize(("method", "action"), OPERATIONS)
    def test_response_equals_that_of_an_absent_order(self, app, order, method, action):
        stranger = ApiClient(app).signed_in(UserFactory())
        headers = {"X-Request-ID": "the-same"}

        foreign, absent = (
            stranger.open(f"/api/orders/{order_id}{action}", method=method, headers=headers)
            for order_id in (order.id, ABSENT)
        )

        assert foreign.status_code == absent.status_code == 404
        assert foreign.data == absent.data
        assert set(foreign.headers.keys()) == set(absent.headers.keys())

    @pytest.mark.parametrize("bad_id", ["nonsense", "order_", ABSENT.upper(), "user_0", "%00"])
    @pytest.mark.parametrize(("method", "action"), OPERATIONS)
    def test_malformed_id_returns_404(self, as_user, method, action, bad_id):
        assert as_user.open(f"/api/orders/{bad_id}{action}", method=method).status_code == 404


class TestGetOrder:
    def test_anonymous_request_returns_401(self, client, order):
        assert client.get(f"/api/orders/{order.id}").status_code == 401

    def test_unknown_parameter_returns_422(self, as_user, order):
        response = as_user.get(f"/api/orders/{order.id}?expand=items")

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == ["/expand"]

    def test_current_etag_returns_304_without_a_body(self, as_user, order):
        headers = {"If-None-Match": etag(as_user, order)}

        response = as_user.get(f"/api/orders/{order.id}", headers=headers)

        assert (response.status_code, response.data) == (304, b"")

    def test_item_without_a_name_shows_the_name_of_the_product(self, as_user, order, mug):
        """Pods of version 1.0 insert such items during an upgrade."""
        items = as_user.get(f"/api/orders/{order.id}").json["items"]

        assert [item["name"] for item in items] == [mug.name]

    def test_owner_and_admin_get_the_same_response(self, as_user, as_admin, order):
        mine = as_user.get(f"/api/orders/{order.id}")

        assert mine.status_code == 200
        assert mine.json == as_admin.get(f"/api/orders/{order.id}").json


class TestCancelOrder:
    def test_anonymous_request_returns_401(self, client, order):
        assert cancel(client, order).status_code == 401

    @pytest.mark.parametrize("status", FINAL)
    def test_cancelling_a_shipped_order_returns_409_and_no_stock(
        self, as_user, user, mug, session, status
    ):
        order = placed(user, mug, status)

        response = cancel(as_user, order)

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/transition-not-allowed"
        assert stock(session, mug) == 7

    def test_outdated_if_match_returns_412_and_changes_nothing(self, as_user, as_admin, order):
        old = etag(as_user, order)
        move(as_admin, order, "paid")

        assert cancel(as_user, order, headers={"If-Match": old}).status_code == 412
        assert as_user.get(f"/api/orders/{order.id}").json["status"] == "paid"

    def test_outdated_if_match_returns_412_and_not_409(self, as_user, order):
        old = etag(as_user, order)
        cancel(as_user, order)

        assert cancel(as_user, order, headers={"If-Match": old}).status_code == 412

    @pytest.mark.parametrize("status", CANCELLABLE)
    @pytest.mark.parametrize("caller", ["as_user", "as_admin"])
    def test_cancelling_by_owner_or_admin_returns_the_stock(
        self, request, user, mug, session, status, caller
    ):
        order = placed(user, mug, status)

        response = cancel(request.getfixturevalue(caller), order)

        assert (response.status_code, response.json["status"]) == (200, "cancelled")
        assert stock(session, mug) == 10

    def test_stock_is_returned_exactly_once(self, as_user, as_admin, order, mug, session):
        assert cancel(as_user, order).status_code == 200
        assert cancel(as_user, order).status_code == 409
        assert move(as_admin, order, "cancelled").status_code == 409

        assert stock(session, mug) == 10

    def test_stock_of_a_retired_product_is_returned(self, as_user, as_admin, order, mug, session):
        as_admin.delete(f"/api/products/{mug.id}")

        assert cancel(as_user, order).status_code == 200
        assert stock(session, mug) == 10

    def test_returned_stock_is_added_to_a_changed_stock(
        self, as_user, as_admin, order, mug, session
    ):
        as_admin.patch(
            f"/api/products/{mug.id}", json={"stock": MAX_STOCK}, headers={"If-Match": "*"}
        )

        assert cancel(as_user, order).status_code == 200
        assert stock(session, mug) == MAX_STOCK + 3

    def test_current_if_match_is_accepted(self, as_user, order):
        response = cancel(as_user, order, headers={"If-Match": etag(as_user, order)})

        assert response.status_code == 200
        assert response.headers["ETag"] == etag(as_user, order)


class TestUpdateOrder:
    def test_anonymous_request_returns_401(self, client, order):
        assert move(client, order, "paid").status_code == 401

    def test_owner_returns_403_and_changes_nothing(self, as_user, order):
        assert move(as_user, order, "paid").status_code == 403
        assert as_user.get(f"/api/orders/{order.id}").json["status"] == "pending"

    def test_absent_order_returns_404(self, as_admin):
        response = as_admin.patch(f"/api/orders/{ABSENT}", json={"status": "paid"})

        assert response.status_code == 404

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"status": "lost"}, "/status"),
            ({"status": None}, "/status"),
            ({"status": ["paid"]}, "/status"),
            ({"status": "paid", "total": 0}, "/total"),
        ],
    )
    def test_invalid_field_returns_422_with_a_pointer(self, as_admin, order, body, pointer):
        response = as_admin.patch(f"/api/orders/{order.id}", json=body)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]

    def test_outdated_if_match_returns_412_and_not_409(self, as_admin, order):
        old = etag(as_admin, order)
        move(as_admin, order, "paid")

        response = move(as_admin, order, "paid", headers={"If-Match": old})

        assert response.status_code == 412

    @pytest.mark.parametrize(("before", "after"), list(pairs(OrderStatus, OrderStatus)))
    def test_only_allowed_transitions_are_accepted(self, as_admin, user, mug, before, after):
        order = placed(user, mug, before)

        response = move(as_admin, order, after)

        allowed = (before, after) in ALLOWED
        assert response.status_code == (200 if allowed else 409)
        status = as_admin.get(f"/api/orders/{order.id}").json["status"]
        assert status == (after if allowed else before)

    @pytest.mark.parametrize("before", CANCELLABLE)
    def test_cancelling_returns_the_stock(self, as_admin, user, mug, session, before):
        move(as_admin, placed(user, mug, before), "cancelled")

        assert stock(session, mug) == 10

    def test_current_if_match_is_accepted(self, as_admin, order):
        response = move(as_admin, order, "paid", headers={"If-Match": etag(as_admin, order)})

        assert (response.status_code, response.json["status"]) == (200, "paid")
        assert response.headers["ETag"] == etag(as_admin, order)
