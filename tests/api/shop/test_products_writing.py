"""Product catalogue: create and change products."""

from datetime import UTC, datetime

import pytest

from schemas.order_examples import ADDRESS_EXAMPLE
from tests.support.shop import ProductFactory

MUG = {"id": "mug-350", "name": "Coffee mug", "price": 1250, "currency": "USD", "stock": 100}
# Invalid fields of a new or changed product, with their pointers.
BAD_FIELDS = [
    ({"name": ""}, "/name"),
    ({"name": "n" * 201}, "/name"),
    ({"name": "a NUL \0"}, "/name"),
    ({"name": None}, "/name"),
    ({"description": "d" * 2001}, "/description"),
    ({"price": -1}, "/price"),
    ({"price": 12.5}, "/price"),
    ({"price": "1250"}, "/price"),
    ({"price": 1_000_000_001}, "/price"),
    ({"currency": "usd"}, "/currency"),
    ({"currency": "USDT"}, "/currency"),
    ({"stock": -1}, "/stock"),
    ({"stock": True}, "/stock"),
    ({"stock": 2_000_000_001}, "/stock"),
    ({"retired_at": None}, "/retired_at"),
]


def etag(client, product):
    return client.get(f"/api/products/{product.id}").headers["ETag"]


class TestCreateProduct:
    def test_anonymous_request_returns_401(self, client):
        assert client.post("/api/products", json=MUG).status_code == 401

    def test_user_without_the_scope_returns_403(self, as_user):
        assert as_user.post("/api/products", json=MUG).status_code == 403

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            *BAD_FIELDS,
            *(({"id": bad}, "/id") for bad in ["", "a b", "a/b", "é", "x" * 65, 7, None]),
        ],
    )
    def test_invalid_field_returns_422_with_a_pointer(self, as_admin, change, pointer):
        response = as_admin.post("/api/products", json=MUG | change)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]

    @pytest.mark.parametrize("name", ["name", "price", "currency", "stock"])
    def test_missing_field_returns_422_with_a_pointer(self, as_admin, name):
        body = {key: value for key, value in MUG.items() if key != name}

        response = as_admin.post("/api/products", json=body)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [f"/{name}"]

    @pytest.mark.parametrize("retired_at", [None, datetime(2020, 1, 1, tzinfo=UTC)])
    def test_existing_id_returns_409_also_if_retired(self, as_admin, session, retired_at):
        product = ProductFactory(id=MUG["id"], retired_at=retired_at)

        response = as_admin.post("/api/products", json=MUG)

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/product-exists"
        session.refresh(product)
        assert product.name != MUG["name"]

    def test_new_product_is_listed(self, as_admin, client):
        response = as_admin.post("/api/products", json=MUG)

        assert response.status_code == 201
        assert response.json.items() >= MUG.items()
        read = client.get(response.headers["Location"])
        assert read.json == response.json
        assert read.headers["ETag"] == response.headers["ETag"]

    def test_missing_id_is_generated(self, as_admin, client):
        body = {key: value for key, value in MUG.items() if key != "id"}

        urls = {as_admin.post("/api/products", json=body).headers["Location"] for _ in range(2)}

        assert len(urls) == 2
        assert all(client.get(url).status_code == 200 for url in urls)


class TestUpdateProduct:
    def test_anonymous_request_returns_401(self, client, session):
        path = f"/api/products/{ProductFactory().id}"

        assert client.patch(path, json={"price": 1}).status_code == 401

    def test_user_without_the_scope_returns_403(self, as_user):
        path = f"/api/products/{ProductFactory().id}"

        assert as_user.patch(path, json={"price": 1}).status_code == 403

    def test_retired_product_returns_404(self, as_admin):
        path = f"/api/products/{ProductFactory(retired_at=datetime.now(UTC)).id}"

        assert as_admin.patch(path, json={"price": 1}).status_code == 404

    @pytest.mark.parametrize(("change", "pointer"), [*BAD_FIELDS, ({"id": "other"}, "/id")])
    def test_invalid_field_returns_422_and_changes_nothing(self, as_admin, change, pointer):
        product = ProductFactory()
        before = as_admin.get(f"/api/products/{product.id}").json

        response = as_admin.patch(f"/api/products/{product.id}", json={"stock": 1} | change)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]
        assert as_admin.get(f"/api/products/{product.id}").json == before

    def test_outdated_if_match_returns_412_and_changes_nothing(self, as_admin):
        product = ProductFactory()
        path, old = f"/api/products/{product.id}", etag(as_admin, product)
        as_admin.patch(path, json={"price": 1})

        response = as_admin.patch(path, json={"price": 2}, headers={"If-Match": old})

        assert response.status_code == 412
        assert as_admin.get(path).json["price"] == 1

    @pytest.mark.parametrize("form", ["{}", '"other", {}', "*"])
    def test_current_if_match_changes_the_product(self, as_admin, form):
        product = ProductFactory()
        headers = {"If-Match": form.format(etag(as_admin, product))}

        response = as_admin.patch(f"/api/products/{product.id}", json={"price": 2}, headers=headers)

        assert (response.status_code, response.json["price"]) == (200, 2)
        assert response.headers["ETag"] == etag(as_admin, product)

    def test_stock_without_if_match_returns_428_and_changes_nothing(self, as_admin):
        path = f"/api/products/{ProductFactory(stock=7).id}"
        before = as_admin.get(path).json

        response = as_admin.patch(path, json={"stock": 3, "price": 1})

        assert response.status_code == 428
        assert response.json["type"] == "/api/problems/precondition-required"
        assert "If-Match" in response.json["detail"]
        assert as_admin.get(path).json == before

    def test_stock_of_an_absent_product_without_if_match_returns_404(self, as_admin):
        assert as_admin.patch("/api/products/absent", json={"stock": 3}).status_code == 404

    def test_stock_sold_since_the_read_is_not_overwritten(self, as_admin, as_user):
        product = ProductFactory(stock=7)
        path, read = f"/api/products/{product.id}", etag(as_admin, product)
        items = [{"product_id": product.id, "quantity": 2}]
        order = {"items": items, "shipping_address": ADDRESS_EXAMPLE}
        assert as_user.post("/api/orders", json=order).status_code == 201

        response = as_admin.patch(path, json={"stock": 10}, headers={"If-Match": read})

        assert response.status_code == 412
        assert as_admin.get(path).json["stock"] == 5

    def test_omitted_fields_keep_their_values(self, as_admin):
        product = ProductFactory()
        path, headers = f"/api/products/{product.id}", {"If-Match": etag(as_admin, product)}
        before = as_admin.get(path).json

        change = {"description": "Stoneware.", "stock": 0}
        after = as_admin.patch(path, json=change, headers=headers).json

        changed = {"description": "Stoneware.", "stock": 0, "updated_at": after["updated_at"]}
        assert after == before | changed
        assert after["updated_at"] > before["updated_at"]
