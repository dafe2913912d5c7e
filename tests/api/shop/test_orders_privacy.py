"""Orders in the erasure and the export of personal data."""

import pytest
from sqlalchemy import text

from models.orders import OrderStatus
from tests.support.openapi import faults
from tests.support.personal_data import DATA, found, signed_up
from tests.support.shop import ADDRESS, ProductFactory

ME = "/api/users/me"
PRIVATE = {"street": "12 St James's Square", "city": "Londinium", "state": "Middlesex"}
ORDER = {
    "items": [{"product_id": "abc", "quantity": 2}],
    "shipping_address": {**PRIVATE, "zip": "SW1Y 4JH", "country": "GB"},
    "metadata": {"gift_for": "Charles Babbage"},
}
IN_ORDERS = (*PRIVATE.values(), "SW1Y 4JH", "Charles Babbage")
BOOKS = {
    "orders": "SELECT id, user_id, status, total, currency, created_at FROM orders",
    "items": "SELECT * FROM order_items",
    "history": "SELECT * FROM order_changes",
    "stock": "SELECT id, stock, version FROM products",
    "ledger": "SELECT * FROM stock_changes",
}


@pytest.fixture
def person(app, session):
    ProductFactory(id="abc", stock=100)
    return signed_up(app)[1]


@pytest.fixture
def books(session):
    """Return a function that reads all rows of the books, sorted."""
    return lambda: {
        name: sorted(map(str, session.execute(text(sql)).all())) for name, sql in BOOKS.items()
    }


def place(person):
    response = person.post("/api/orders", json=ORDER, headers={"Idempotency-Key": "ada-1"})
    assert response.status_code == 201
    return f"/api/orders/{response.json['id']}"


def ship(as_admin, order):
    for status in ("paid", "shipped"):
        assert as_admin.patch(order, json={"status": status}).status_code == 200


class TestErasure:
    def test_no_table_has_personal_data_and_the_books_are_the_same(
        self, session, person, as_admin, books
    ):
        ship(as_admin, place(person))
        values = (*DATA, *IN_ORDERS, "ada-1")
        assert [value for value, columns in found(session, *values).items() if not columns] == []
        assert "idempotency_keys.body" in found(session, "Londinium")["Londinium"]
        before = books()

        assert person.delete(ME).status_code == 204

        assert found(session, *values) == {value: set() for value in values}
        assert books() == before
        assert all(before.values())

    def test_erased_order_is_documented_and_has_a_new_version(
        self, person, as_admin, document, operations
    ):
        order = place(person)
        ship(as_admin, order)
        before = as_admin.get(order)
        person.delete(ME)

        after = as_admin.get(order)

        [operation] = [each for each in operations if each.name == "getOrder"]
        schema = operation.successes["200"]["content"]["application/json"]["schema"]
        assert faults(schema, after.json, document) == []
        assert after.json["shipping_address"] == dict.fromkeys(ADDRESS, "erased")
        assert after.json["metadata"] == {}
        assert len(after.json["history"]) == 2
        assert after.headers["ETag"] != before.headers["ETag"]

    @pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.PAID])
    def test_open_orders_return_409_until_they_are_cancelled(
        self, session, person, as_admin, status
    ):
        order = place(person)
        if status is OrderStatus.PAID:
            as_admin.patch(order, json={"status": "paid"})

        response = person.delete(ME)

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/open-orders"
        assert response.json["orders"] == [order.removeprefix("/api/orders/")]
        assert all(found(session, *DATA, *IN_ORDERS).values())
        person.post(f"{order}/cancel")
        assert person.delete(ME).status_code == 204

    def test_orders_of_others_stay_the_same(self, person, as_user, as_admin):
        order = place(as_user)
        before = as_user.get(order).json

        person.delete(ME)

        assert as_user.get(order).json == before


class TestExport:
    def test_has_the_orders_and_keys_of_the_person_only(
        self, person, as_user, as_admin, document, operations
    ):
        other, order = place(as_user), place(person)
        ship(as_admin, order)

        exported = person.get(f"{ME}/export")

        [operation] = [each for each in operations if each.name == "exportProfile"]
        schema = operation.successes["200"]["content"]["application/json"]["schema"]
        assert faults(schema, exported.json, document) == []
        assert exported.json["orders"] == person.get("/api/orders").json["items"]
        assert [each["key"] for each in exported.json["idempotency_keys"]] == ["ada-1"]
        assert other.removeprefix("/api/orders/") not in exported.text
