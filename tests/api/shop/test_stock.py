"""Changes of stock: POST /api/products/{id}/stock and GET /api/products/{id}/stock-changes."""

from datetime import UTC, datetime

import pytest

from models.products import MAX_STOCK
from models.stock import GIVEN_REASONS, StockReason
from tests.support.api_keys import new_key, using
from tests.support.shop import ADDRESS, ProductFactory

KEY = {"Idempotency-Key": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"}


@pytest.fixture
def mug(session):
    return ProductFactory(id="mug", stock=10)


def change(client, units, reason="delivery", product_id="mug", **kwargs):
    body = {"change": units, "reason": reason}
    return client.post(f"/api/products/{product_id}/stock", json=body, **kwargs)


def listed(client, product_id="mug", query=""):
    response = client.get(f"/api/products/{product_id}/stock-changes{query}")
    assert response.status_code == 200, response.text
    return response.json


@pytest.mark.usefixtures("mug")
class TestAccess:
    def test_anonymous_is_a_401(self, client):
        assert change(client, 1).status_code == 401
        assert client.get("/api/products/mug/stock-changes").status_code == 401

    def test_user_is_a_403(self, as_user):
        assert change(as_user, 1).status_code == 403
        assert as_user.get("/api/products/mug/stock-changes").status_code == 403


class TestChangeStock:
    @pytest.mark.parametrize("reason", GIVEN_REASONS)
    def test_response_is_the_change_with_the_new_stock(self, as_admin, admin, session, mug, reason):
        response = change(as_admin, 50, reason)

        assert response.status_code == 200, response.text
        assert response.json | {"changed_at": None} == {
            "product_id": "mug",
            "version": 2,
            "change": 50,
            "stock": 60,
            "reason": reason,
            "order_id": None,
            "changed_by": admin.id,
            "changed_by_api_key": None,
            "changed_at": None,
        }
        session.refresh(mug)
        assert mug.stock == 60

    def test_all_units_can_be_removed_and_no_more(self, as_admin, session, mug):
        refused = change(as_admin, -11, "loss")
        accepted = change(as_admin, -10, "loss")

        assert (refused.status_code, refused.json["available"]) == (409, 10)
        assert refused.json["type"].endswith("/insufficient-stock")
        assert (accepted.status_code, accepted.json["stock"]) == (200, 0)
        assert len(listed(as_admin)["items"]) == 1

    @pytest.mark.usefixtures("mug")
    def test_stock_above_the_maximum_is_a_422_that_names_the_room(self, as_admin):
        refused = change(as_admin, MAX_STOCK - 9)
        accepted = change(as_admin, MAX_STOCK - 10)

        assert refused.status_code == 422
        assert [error["pointer"] for error in refused.json["errors"]] == ["/change"]
        assert str(MAX_STOCK - 10) in refused.text
        assert accepted.json["stock"] == MAX_STOCK

    def test_stock_above_the_maximum_can_be_reduced(self, as_admin, session):
        """A cancellation can return units to a full stock."""
        ProductFactory(id="mug", stock=MAX_STOCK + 5)

        assert change(as_admin, 1).status_code == 422
        assert change(as_admin, -1, "loss").json["stock"] == MAX_STOCK + 4

    @pytest.mark.usefixtures("mug")
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"reason": "delivery"}, "/change"),
            ({"change": 0, "reason": "delivery"}, "/change"),
            ({"change": 1.5, "reason": "delivery"}, "/change"),
            ({"change": MAX_STOCK + 1, "reason": "delivery"}, "/change"),
            ({"change": 1}, "/reason"),
            *(
                ({"change": 1, "reason": reason}, "/reason")
                for reason in [*set(StockReason).difference(GIVEN_REASONS), "gift", None]
            ),
            ({"change": 1, "reason": "delivery", "stock": 1}, "/stock"),
        ],
    )
    def test_bad_field_is_a_422_that_points_at_it(self, as_admin, body, pointer):
        response = as_admin.post("/api/products/mug/stock", json=body)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]

    def test_product_off_sale_or_absent_is_a_404(self, as_admin, session):
        ProductFactory(id="old", retired_at=datetime.now(UTC))

        assert change(as_admin, 1, product_id="old").status_code == 404
        assert change(as_admin, 1, product_id="absent").status_code == 404

    @pytest.mark.usefixtures("mug")
    def test_retry_with_the_same_key_changes_the_stock_once(self, as_admin):
        first = change(as_admin, 5, headers=KEY)
        again = change(as_admin, 5, headers=KEY)

        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.data == first.data
        assert len(listed(as_admin)["items"]) == 1

    @pytest.mark.usefixtures("mug")
    def test_changes_the_etag_of_the_product(self, as_admin):
        before = as_admin.get("/api/products/mug").headers["ETag"]

        change(as_admin, 1)

        assert as_admin.get("/api/products/mug").headers["ETag"] != before


class TestListStockChanges:
    def test_absent_product_is_a_404(self, as_admin):
        assert as_admin.get("/api/products/absent/stock-changes").status_code == 404

    def test_changes_of_a_product_come_newest_first(self, as_admin, as_user, user, admin, mug):
        items = [{"product_id": "mug", "quantity": 3}]
        body = {"items": items, "shipping_address": ADDRESS}
        order = as_user.post("/api/orders", json=body).json["id"]
        as_user.post(f"/api/orders/{order}/cancel")
        change(as_admin, 5)
        change(as_admin, 7, product_id=ProductFactory().id)
        as_admin.patch("/api/products/mug", json={"stock": 12}, headers={"If-Match": "*"})

        rows = listed(as_admin)["items"]

        names = ("reason", "change", "stock", "order_id", "changed_by")
        assert [tuple(row[name] for name in names) for row in rows] == [
            ("count", -3, 12, None, admin.id),
            ("delivery", 5, 15, None, admin.id),
            ("cancellation", 3, 10, order, user.id),
            ("order", -3, 7, order, user.id),
        ]

    @pytest.mark.usefixtures("mug")
    def test_changes_name_the_api_key(self, app, as_admin):
        key = new_key(as_admin, "orders:write", "products:write")
        machine = using(app, key["key"])
        body = {
            "items": [{"product_id": "mug", "quantity": 3}],
            "shipping_address": ADDRESS,
        }
        order = machine.post("/api/orders", json=body).json["id"]
        machine.post(f"/api/orders/{order}/cancel")
        change(machine, 5)
        machine.patch("/api/products/mug", json={"stock": 12}, headers={"If-Match": "*"})
        change(as_admin, 1)

        rows = listed(as_admin)["items"]

        assert [row["changed_by_api_key"] for row in rows] == [None, *[key["id"]] * 4]

    @pytest.mark.usefixtures("mug")
    def test_pages_have_each_change_once(self, as_admin):
        for units in (1, 2, 3, 4, 5):
            change(as_admin, units)

        seen, page = [], {"next_cursor": ""}
        while page["next_cursor"] is not None:
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
            page = listed(as_admin, query=f"?limit=2{cursor}")
            seen += [row["change"] for row in page["items"]]

        assert seen == [5, 4, 3, 2, 1]

    @pytest.mark.usefixtures("mug")
    def test_cursor_of_another_product_is_a_422(self, as_admin):
        change(as_admin, 1)
        change(as_admin, 1)
        cursor = listed(as_admin, query="?limit=1")["next_cursor"]

        url = f"/api/products/{ProductFactory().id}/stock-changes?cursor={cursor}"
        assert as_admin.get(url).status_code == 422

    @pytest.mark.usefixtures("mug")
    def test_same_stock_is_no_change(self, as_admin):
        as_admin.patch("/api/products/mug", json={"stock": 10}, headers={"If-Match": "*"})

        assert listed(as_admin)["items"] == []

    def test_product_off_sale_keeps_its_changes(self, as_admin, as_user, mug):
        items = [{"product_id": "mug", "quantity": 3}]
        as_user.post("/api/orders", json={"items": items, "shipping_address": ADDRESS})
        as_admin.delete("/api/products/mug")

        assert len(listed(as_admin)["items"]) == 1

    def test_new_product_with_the_id_of_a_deleted_one_has_only_its_own_changes(self, as_admin):
        product = {"id": "mug", "name": "Mug", "price": 1, "currency": "USD", "stock": 3}
        as_admin.post("/api/products", json=product)
        change(as_admin, 4)
        as_admin.delete("/api/products/mug")
        as_admin.post("/api/products", json=product)

        assert [each["reason"] for each in listed(as_admin)["items"]] == ["created"]
