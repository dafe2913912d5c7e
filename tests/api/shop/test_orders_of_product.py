"""Filter of the list of orders by product, sorted by id."""

from datetime import UTC, datetime, timedelta

import pytest

from models.orders import ORDER_ID, OrderItem
from tests.support.factories import UserFactory
from tests.support.shop import OrderFactory, ProductFactory

NOON = datetime(2026, 2, 12, 12, tzinfo=UTC)


@pytest.fixture
def mug(session):
    return ProductFactory(id="mug")


def order(user, product, minute=0, skew=0, **fields):
    """Create an order; the clock of the process is `skew` seconds ahead of the database."""
    at = NOON + timedelta(minutes=minute)
    item = OrderItem(position=0, product_id=product.id, quantity=1, unit_price=1)
    uuid_time = at.timestamp() + skew
    fields = {"id": ORDER_ID.at(uuid_time)[:-4] + f"{minute:04}", "created_at": at, **fields}
    return OrderFactory(user_id=user.id, items=[item], **fields).id


def ids(client, query=""):
    response = client.get(f"/api/orders?product_id=mug{query}")
    assert response.status_code == 200, response.text
    return [each["id"] for each in response.json["items"]]


def test_only_orders_of_the_product_newest_first(as_user, user, mug):
    first, second = order(user, mug, 1), order(user, mug, 2)
    order(user, ProductFactory(id="pot"), 3)

    assert ids(as_user) == [second, first]
    assert ids(as_user, "&status=paid") == []


def test_user_gets_own_orders_and_admin_all(as_user, as_admin, user, mug):
    mine, other = order(user, mug, 1), order(UserFactory(), mug, 2)

    assert ids(as_user) == [mine]
    assert ids(as_admin) == [other, mine]


@pytest.fixture(params=["as_user", "as_admin"])
def reader(request):
    return request.getfixturevalue(request.param)


def test_pages_have_each_order_once(reader, user, mug):
    placed = [order(user, mug, minute) for minute in range(5)]

    first = reader.get("/api/orders?product_id=mug&limit=3").json
    rest = ids(reader, f"&limit=3&cursor={first['next_cursor']}")

    assert [each["id"] for each in first["items"]] + rest == placed[::-1]


@pytest.mark.parametrize("skew", [-1800, 0, 1800])
def test_created_at_decides_which_orders_are_in_a_range(reader, user, mug, skew):
    placed = [order(user, mug, minute, skew) for minute in range(4)]
    after, before = "2026-02-12T12:01:00Z", "2026-02-12T12:03:00Z"

    assert ids(reader, f"&created_after={after}&created_before={before}") == placed[2:0:-1]


def test_range_of_all_times_is_accepted(reader, user, mug):
    placed = order(user, mug)
    everything = "&created_after=0001-01-01T00:00:00Z&created_before=9999-12-31T23:59:59Z"

    assert ids(reader, everything) == [placed]


def test_unknown_product_has_no_orders(reader):
    assert ids(reader) == []


def test_cursor_of_an_administrator_is_a_422_for_a_user(as_user, as_admin, user, mug):
    order(user, mug, 1)
    order(user, mug, 2)
    cursor = as_admin.get("/api/orders?product_id=mug&limit=1").json["next_cursor"]

    response = as_user.get(f"/api/orders?product_id=mug&cursor={cursor}")

    assert response.status_code == 422


def test_malformed_product_id_is_a_422(as_user):
    response = as_user.get("/api/orders?product_id=a%20b")

    assert response.status_code == 422
    assert [error["pointer"] for error in response.json["errors"]] == ["/product_id"]


def test_list_has_the_same_orders_as_without_the_filter(reader, user, mug):
    order(user, mug, 1)
    order(user, mug, 2)

    filtered = reader.get("/api/orders?product_id=mug").json["items"]

    assert filtered == reader.get("/api/orders").json["items"]


def test_cursor_of_an_administrator_with_a_time_is_a_422_for_a_user(as_user, as_admin, user, mug):
    order(user, mug, 1)
    order(user, mug, 2)
    url = "/api/orders?product_id=mug&created_before=2030-01-01T00:00:00Z"
    cursor = as_admin.get(f"{url}&limit=1").json["next_cursor"]

    assert as_user.get(f"{url}&cursor={cursor}").status_code == 422
