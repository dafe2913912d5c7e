"""Product catalogue: read and delete products."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from models.orders import OrderItem
from models.products import Product
from tests.support.shop import OrderFactory, ProductFactory

MUG = {"id": "mug-350", "name": "Coffee mug", "price": 1250, "currency": "USD", "stock": 100}
MALFORMED = ["with%20space", "%00", "%FF", "a%0A", "caf%C3%A9", "x" * 65, "'"]


def etag(client, product):
    return client.get(f"/api/products/{product.id}").headers["ETag"]


def ordered(user):
    """Create a product with an order."""
    product = ProductFactory()
    item = OrderItem(position=0, product_id=product.id, quantity=1, unit_price=product.price)
    OrderFactory(user_id=user.id, items=[item])
    return product


class TestListProducts:
    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=abc"])
    def test_invalid_limit_returns_422(self, client, query):
        response = client.get(f"/api/products?{query}")

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == ["/limit"]

    def test_unknown_parameter_returns_422(self, client):
        response = client.get("/api/products?color=red")

        assert [error["pointer"] for error in response.json["errors"]] == ["/color"]

    def test_list_is_public_newest_first_and_paginated(self, client, session):
        start = datetime(2020, 1, 1, tzinfo=UTC)
        ids = [ProductFactory(created_at=start + timedelta(days=n)).id for n in range(3)]

        first = client.get("/api/products?limit=2")
        second = client.get(f"/api/products?limit=2&cursor={first.json['next_cursor']}")

        assert [item["id"] for item in first.json["items"]] == [ids[2], ids[1]]
        assert [item["id"] for item in second.json["items"]] == [ids[0]]
        assert second.json["next_cursor"] is None

    def test_retired_products_are_not_listed(self, client, session):
        ProductFactory(retired_at=datetime.now(UTC))
        kept = ProductFactory()

        items = client.get("/api/products").json["items"]

        assert [item["id"] for item in items] == [kept.id]


class TestAbsentProduct:
    @pytest.mark.parametrize("bad_id", ["absent", *MALFORMED])
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_absent_or_malformed_id_returns_404(self, as_admin, method, bad_id):
        body = {"price": 1} if method == "PATCH" else None

        response = as_admin.open(f"/api/products/{bad_id}", method=method, json=body)

        assert response.status_code == 404


class TestGetProduct:
    def test_retired_product_returns_404(self, client, session):
        product = ProductFactory(retired_at=datetime.now(UTC))

        assert client.get(f"/api/products/{product.id}").status_code == 404

    def test_product_is_public(self, client, session):
        product = ProductFactory(id="abc", price=1250, stock=7)

        response = client.get("/api/products/abc")

        assert response.status_code == 200
        assert response.json.items() >= {"id": "abc", "price": 1250, "stock": 7}.items()
        details = {"name", "description", "currency", "created_at", "updated_at"}
        assert response.json.keys() == {"id", "price", "stock", "stock_low_threshold"} | details
        assert response.json["name"] == product.name

    def test_current_etag_returns_304_without_a_body(self, client, session):
        product = ProductFactory()
        headers = {"If-None-Match": etag(client, product)}

        response = client.get(f"/api/products/{product.id}", headers=headers)

        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == headers["If-None-Match"]

    def test_outdated_etag_returns_200(self, client, as_admin):
        product = ProductFactory()
        headers = {"If-None-Match": etag(client, product)}
        as_admin.patch(f"/api/products/{product.id}", json={"price": 1})

        response = client.get(f"/api/products/{product.id}", headers=headers)

        assert (response.status_code, response.json["price"]) == (200, 1)


class TestDeleteProduct:
    def test_anonymous_request_returns_401(self, client, session):
        assert client.delete(f"/api/products/{ProductFactory().id}").status_code == 401

    def test_user_without_the_scope_returns_403(self, as_user):
        assert as_user.delete(f"/api/products/{ProductFactory().id}").status_code == 403

    def test_outdated_if_match_returns_412_and_changes_nothing(self, as_admin):
        product = ProductFactory()
        path, old = f"/api/products/{product.id}", etag(as_admin, product)
        as_admin.patch(path, json={"price": 1})

        assert as_admin.delete(path, headers={"If-Match": old}).status_code == 412
        assert as_admin.get(path).status_code == 200

    def test_etag_of_a_deleted_product_does_not_match_a_new_one(self, as_admin):
        old = as_admin.post("/api/products", json=MUG)
        as_admin.delete(old.headers["Location"])
        ProductFactory(id=MUG["id"], created_at=datetime.now(UTC))

        headers = {"If-Match": old.headers["ETag"]}

        assert as_admin.delete(old.headers["Location"], headers=headers).status_code == 412

    def test_product_without_orders_is_deleted(self, as_admin, session):
        product = ProductFactory()
        headers = {"If-Match": etag(as_admin, product)}

        response = as_admin.delete(f"/api/products/{product.id}", headers=headers)

        assert (response.status_code, response.data) == (204, b"")
        assert session.scalar(select(func.count(Product.id))) == 0

    def test_product_with_orders_is_retired(self, as_admin, session, user):
        product = ordered(user)

        assert as_admin.delete(f"/api/products/{product.id}").status_code == 204

        session.refresh(product)
        assert product.retired_at is not None

    @pytest.mark.parametrize("was_ordered", [False, True])
    def test_deleted_product_returns_404(self, as_admin, user, was_ordered):
        product = ordered(user) if was_ordered else ProductFactory()
        path = f"/api/products/{product.id}"
        as_admin.delete(path)

        assert as_admin.get(path).status_code == 404
        assert as_admin.delete(path).status_code == 404
        assert as_admin.get("/api/products").json["items"] == []
