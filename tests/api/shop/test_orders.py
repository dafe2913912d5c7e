"""POST /api/orders: the order takes all of its stock or none, at current prices."""

import pytest
from sqlalchemy import func, select

from models.orders import MAX_ITEMS, MAX_QUANTITY, Order
from schemas.orders import OrderItemSchema
from tests.support.shop import ADDRESS, ProductFactory

LINE = {"product_id": "abc", "quantity": 1}
BODY = {"items": [LINE], "shipping_address": ADDRESS}


def order_of(quantities):
    """Return the body of an order: quantities by product id."""
    items = [{"product_id": name, "quantity": n} for name, n in quantities.items()]
    return BODY | {"items": items}


def without(name, value):
    return {key: field for key, field in value.items() if key != name}


def pointers(response):
    assert response.status_code == 422
    return [error["pointer"] for error in response.json["errors"]]


@pytest.fixture
def abc(session):
    return ProductFactory(id="abc", price=1250, stock=10)


@pytest.fixture
def other(session):
    """Create the product `def`."""
    return ProductFactory(id="def", price=4900, stock=5)


class TestCreateOrderErrors:
    def test_anonymous_request_returns_401_and_takes_no_stock(self, client, abc, session):
        assert client.post("/api/orders", json=BODY).status_code == 401
        session.refresh(abc)
        assert abc.stock == 10

    @pytest.mark.parametrize(
        ("body", "at"),
        [
            (without("items", BODY), ["/items"]),
            (BODY | {"items": None}, ["/items"]),
            (BODY | {"items": []}, ["/items"]),
            (BODY | {"items": LINE}, ["/items"]),
            (order_of({f"p{n}": 1 for n in range(MAX_ITEMS + 1)}), ["/items"]),
            (BODY | {"items": [LINE, 7]}, ["/items/1"]),
            (BODY | {"items": [{}]}, ["/items/0/product_id", "/items/0/quantity"]),
            (BODY | {"coupon": "free"}, ["/coupon"]),
            (BODY | {"a/b~c": 1}, ["/a~1b~0c"]),
            (without("shipping_address", BODY), ["/shipping_address"]),
            (BODY | {"shipping_address": None}, ["/shipping_address"]),
            (BODY | {"shipping_address": "123 Main St"}, ["/shipping_address"]),
            ({}, ["/items", "/shipping_address"]),
        ],
    )
    def test_invalid_body_returns_422_with_a_pointer(self, as_user, abc, body, at):
        assert pointers(as_user.post("/api/orders", json=body)) == at

    @pytest.mark.parametrize("body", ["null", "[]", '"order"', "7"])
    def test_body_that_is_not_an_object_returns_422(self, as_user, body):
        response = as_user.post("/api/orders", data=body, content_type="application/json")

        assert pointers(response) == [""]

    @pytest.mark.parametrize(
        ("line", "name"),
        [
            ({"quantity": 1}, "product_id"),
            *[
                ({"product_id": product_id, "quantity": 1}, "product_id")
                for product_id in [None, 7, "", "a b", "é", "a\n", "x" * 65]
            ],
            ({"product_id": "def"}, "quantity"),
            *[
                ({"product_id": "def", "quantity": quantity}, "quantity")
                for quantity in [None, 0, -1, 0.0, 1.5, "1", True, MAX_QUANTITY + 1, 2**62]
            ],
            ({"product_id": "def", "quantity": 1, "unit_price": 1}, "unit_price"),
        ],
    )
    def test_invalid_item_returns_422_with_a_pointer(self, as_user, abc, line, name):
        response = as_user.post("/api/orders", json=BODY | {"items": [LINE, line]})

        assert pointers(response) == [f"/items/1/{name}"]

    @pytest.mark.parametrize(
        ("address", "name"),
        [
            *[(without(name, ADDRESS), name) for name in ADDRESS],
            *[(ADDRESS | {name: ""}, name) for name in ADDRESS],
            *[(ADDRESS | {name: 94102}, name) for name in ADDRESS],
            *[(ADDRESS | {name: "a NUL \0"}, name) for name in ADDRESS],
            (ADDRESS | {"street": "s" * 201}, "street"),
            (ADDRESS | {"city": "c" * 101}, "city"),
            (ADDRESS | {"state": "s" * 101}, "state"),
            (ADDRESS | {"zip": "9" * 21}, "zip"),
            (ADDRESS | {"country": "us"}, "country"),
            (ADDRESS | {"country": "USA"}, "country"),
            (ADDRESS | {"planet": "Earth"}, "planet"),
        ],
    )
    def test_invalid_address_returns_422_with_a_pointer(self, as_user, abc, address, name):
        response = as_user.post("/api/orders", json=BODY | {"shipping_address": address})

        assert pointers(response) == [f"/shipping_address/{name}"]

    def test_duplicate_product_returns_422(self, as_user, abc, other, session):
        items = [LINE, {"product_id": "def", "quantity": 1}, LINE | {"quantity": 2}]

        response = as_user.post("/api/orders", json=BODY | {"items": items})

        assert pointers(response) == ["/items/2/product_id"]
        session.refresh(abc)
        assert abc.stock == 10

    def test_unknown_product_returns_422_and_takes_no_stock(self, as_user, abc, session):
        response = as_user.post("/api/orders", json=order_of({"abc": 1, "unknown": 1}))

        assert pointers(response) == ["/items/1/product_id"]
        session.refresh(abc)
        assert abc.stock == 10

    def test_retired_product_returns_the_error_of_an_unknown_product(self, as_user, as_admin, abc):
        order = as_user.post("/api/orders", json=BODY)
        as_admin.delete("/api/products/abc")

        assert pointers(as_user.post("/api/orders", json=BODY)) == ["/items/0/product_id"]
        assert as_user.get(order.headers["Location"]).status_code == 200

    def test_several_currencies_return_422_and_take_no_stock(self, as_user, abc, session):
        ProductFactory(id="euro", currency="EUR")

        response = as_user.post("/api/orders", json=order_of({"abc": 1, "euro": 1}))

        assert pointers(response) == ["/items/1"]
        session.refresh(abc)
        assert abc.stock == 10

    def test_out_of_stock_returns_409_with_the_products_and_takes_no_stock(
        self, as_user, abc, other, session
    ):
        response = as_user.post("/api/orders", json=order_of({"abc": 10, "def": 6}))

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/out-of-stock"
        assert response.json["products"] == [{"product_id": "def", "requested": 6, "available": 5}]
        session.refresh(abc)
        session.refresh(other)
        assert (abc.stock, other.stock) == (10, 5)
        assert session.scalar(select(func.count(Order.id))) == 0


class TestCreateOrder:
    def test_returns_the_order_and_its_location(self, as_user, abc, other, user):
        response = as_user.post("/api/orders", json=order_of({"abc": 2, "def": 1}))

        assert response.status_code == 201
        assert response.headers["Location"] == f"/api/orders/{response.json['id']}"
        assert response.json["items"] == [
            {"product_id": "abc", "name": abc.name, "quantity": 2, "unit_price": 1250},
            {"product_id": "def", "name": other.name, "quantity": 1, "unit_price": 4900},
        ]
        # PostgreSQL writes them, and the schema documents them.
        assert list(response.json["items"][0]) == list(OrderItemSchema().fields)
        expected = {
            "user_id": user.id,
            "status": "pending",
            "total": 2 * 1250 + 4900,
            "currency": "USD",
            "shipping_address": ADDRESS,
        }
        assert response.json.items() >= expected.items()
        assert response.json["id"].startswith("order_")

    def test_get_returns_the_same_order(self, as_user, abc, other):
        placed = as_user.post("/api/orders", json=order_of({"def": 1, "abc": 2}))

        read = as_user.get(placed.headers["Location"])

        assert (read.status_code, read.json) == (200, placed.json)
        assert read.headers["ETag"] == placed.headers["ETag"]

    def test_order_can_take_the_whole_stock(self, as_user, abc, other, session):
        as_user.post("/api/orders", json=order_of({"abc": 10, "def": 1}))

        session.refresh(abc)
        session.refresh(other)
        assert (abc.stock, other.stock) == (0, 4)

    def test_order_keeps_its_prices_when_prices_change(self, as_user, as_admin, abc):
        placed = as_user.post("/api/orders", json=BODY)

        as_admin.patch("/api/products/abc", json={"price": 9999, "currency": "EUR"})

        assert as_user.get(placed.headers["Location"]).json == placed.json

    def test_order_keeps_product_names_after_a_rename(self, as_user, as_admin, abc):
        placed = as_user.post("/api/orders", json=BODY)

        renamed = as_admin.patch("/api/products/abc", json={"name": "Espresso cup"})

        assert renamed.status_code == 200
        assert placed.json["items"][0]["name"] == abc.name != "Espresso cup"
        assert as_user.get(placed.headers["Location"]).json == placed.json

    def test_order_of_free_products_has_total_zero(self, as_user, session):
        ProductFactory(id="free", price=0)

        assert as_user.post("/api/orders", json=order_of({"free": 1})).json["total"] == 0

    def test_largest_total_is_exact(self, as_user, session):
        items = {
            ProductFactory(price=1_000_000_000, stock=MAX_QUANTITY).id: MAX_QUANTITY
            for _ in range(MAX_ITEMS)
        }

        response = as_user.post("/api/orders", json=order_of(items))

        assert response.status_code == 201
        assert response.json["total"] == 10**15

    def test_country_is_stored(self, as_user, abc):
        address = ADDRESS | {"country": "US"}

        response = as_user.post("/api/orders", json=BODY | {"shipping_address": address})

        assert response.json["shipping_address"] == address
