"""GET /api/orders: filters, order and pages."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from models.orders import OrderStatus
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.shop import OrderFactory

FIRST_DAY = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def week(user):
    """Return the ids of seven orders of `user`, one per day, newest first."""
    days = [FIRST_DAY + timedelta(days=n) for n in range(7)]
    orders = [OrderFactory(user_id=user.id, created_at=day) for day in days]
    return [order.id for order in reversed(orders)]


def ids(response):
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json["items"]]


def next_url(response):
    """Return the URL in the `Link` header, or None."""
    if "Link" not in response.headers:
        return None
    url, relation = response.headers["Link"].split("; ")
    assert relation == 'rel="next"'
    return url.removeprefix("<").removesuffix(">")


def pages(client, url):
    """Return the ids on each page, following the links from `url`."""
    found = []
    while url:
        response = client.get(url)
        found.append(ids(response))
        url = next_url(response)
    return found


def refused(client, query, pointer):
    response = client.get("/api/orders", query_string=query)
    assert response.status_code == 422, response.text
    assert [error["pointer"] for error in response.json["errors"]] == [pointer]


class TestListOrders:
    def test_anonymous_request_returns_401(self, client):
        assert client.get("/api/orders").status_code == 401

    @pytest.mark.parametrize("limit", ["0", "101", "abc", "", "-1", "+1", " 1", "1.0", "1_0", "٣"])
    def test_invalid_limit_returns_422(self, as_user, limit):
        refused(as_user, {"limit": limit}, "/limit")

    @pytest.mark.parametrize("name", ["page", "offset", "sort", "Limit", "user_id"])
    def test_unknown_parameter_returns_422(self, as_user, name):
        refused(as_user, {name: "1"}, f"/{name}")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("status", "lost"),
            ("status", "PENDING"),
            ("status", ""),
            ("created_after", "yesterday"),
            ("created_after", "2026-02-01"),
            ("created_after", "2026-02-01T00:00:00"),
            ("created_before", "2026-02-30T00:00:00Z"),
            ("created_before", "0001-01-01T00:00:00+10:00"),
        ],
    )
    def test_invalid_filter_returns_422(self, as_user, name, value):
        refused(as_user, {name: value}, f"/{name}")

    def test_user_gets_only_their_orders_newest_first(self, as_user, week):
        OrderFactory(user_id=UserFactory().id)

        assert ids(as_user.get("/api/orders")) == week

    def test_admin_gets_the_orders_of_all_users(self, as_admin, week):
        theirs = OrderFactory(user_id=UserFactory().id, created_at=FIRST_DAY - timedelta(days=1))

        assert ids(as_admin.get("/api/orders")) == [*week, theirs.id]

    def test_items_equal_single_orders(self, as_user, week):
        newest, *_ = as_user.get("/api/orders").json["items"]

        assert newest == as_user.get(f"/api/orders/{week[0]}").json

    @pytest.mark.parametrize("status", list(OrderStatus))
    def test_filters_by_status(self, as_user, user, status):
        orders = {each: OrderFactory(user_id=user.id, status=each) for each in OrderStatus}

        assert ids(as_user.get(f"/api/orders?status={status}")) == [orders[status].id]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"created_after": "2026-02-06T00:00:00Z"}, slice(0, 2)),
            ({"created_after": "2026-02-06T02:00:00+02:00"}, slice(0, 2)),
            ({"created_after": "2026-02-06T00:00:00.000001Z"}, slice(0, 1)),
            ({"created_after": "2026-02-06T21:30:00+21:30"}, slice(0, 2)),
            ({"created_before": "2026-02-02T00:00:00Z"}, slice(6, 7)),
            ({"created_before": "2026-02-02T00:00:00.000001Z"}, slice(5, 7)),
            (
                {"created_after": "2026-02-03T00:00:00Z", "created_before": "2026-02-05T00:00:00Z"},
                slice(3, 5),
            ),
            ({"created_after": "2027-01-01T00:00:00Z"}, slice(0, 0)),
        ],
    )
    def test_filters_by_time_of_creation(self, as_user, week, query, expected):
        assert ids(as_user.get("/api/orders", query_string=query)) == week[expected]


class TestPages:
    @pytest.mark.parametrize("text", ["", "nonsense", "a.b", "\0", "é", "x" * 501])
    def test_invalid_cursor_returns_422(self, as_user, text):
        refused(as_user, {"cursor": text}, "/cursor")

    @pytest.mark.parametrize("at", [0, 10, -1])
    def test_modified_cursor_returns_422(self, as_user, week, at):
        cursor = list(as_user.get("/api/orders?limit=1").json["next_cursor"])
        cursor[at] = "A" if cursor[at] != "A" else "Q"

        refused(as_user, {"cursor": "".join(cursor)}, "/cursor")

    def test_cursor_of_another_list_returns_422(self, as_user, week):
        # The orders of the week came with a product each.
        cursor = as_user.get("/api/products?limit=1").json["next_cursor"]
        assert cursor

        refused(as_user, {"cursor": cursor}, "/cursor")

    @pytest.mark.parametrize(("limit", "sizes"), [(3, [3, 3, 1]), (7, [7]), (100, [7])])
    def test_following_links_returns_each_order_once(self, as_user, week, limit, sizes):
        found = pages(as_user, f"/api/orders?limit={limit}")

        assert [len(page) for page in found] == sizes
        assert list(chain(*found)) == week

    def test_orders_with_equal_times_are_not_skipped(self, as_user, user):
        same = [OrderFactory(user_id=user.id, created_at=FIRST_DAY).id for _ in range(5)]

        found = pages(as_user, "/api/orders?limit=2")

        assert list(chain(*found)) == sorted(same, reverse=True)

    def test_link_keeps_the_filters(self, as_user, week):
        url = "/api/orders?created_after=2026-02-03T00:00:00%2B00:00&status=pending&limit=2"

        assert pages(as_user, url) == [week[0:2], week[2:4], week[4:5]]

    def test_next_cursor_equals_the_cursor_of_the_link(self, as_user, week):
        response = as_user.get("/api/orders?limit=3")

        assert next_url(response).endswith(f"cursor={response.json['next_cursor']}")

    def test_last_page_has_neither_cursor_nor_link(self, as_user, week):
        response = as_user.get("/api/orders?limit=7")

        assert response.json["next_cursor"] is None
        assert "Link" not in response.headers

    def test_new_order_does_not_shift_the_next_page(self, as_user, user, week):
        first = as_user.get("/api/orders?limit=3")
        OrderFactory(user_id=user.id)

        assert ids(as_user.get(next_url(first))) == week[3:6]

    def test_cursor_of_another_user_shows_only_own_orders(self, app, as_user, week):
        url = next_url(as_user.get("/api/orders?limit=1"))
        stranger = ApiClient(app).signed_in(UserFactory())

        assert ids(stranger.get(url)) == []

    def test_default_limit_is_20(self, as_user, user):
        for _ in range(21):
            OrderFactory(user_id=user.id, items=[])

        assert len(ids(as_user.get("/api/orders"))) == 20
