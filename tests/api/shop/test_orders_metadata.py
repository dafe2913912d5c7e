"""Metadata of orders: set by the new order, changed by its owner."""

import pytest

from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.shop import ADDRESS, OrderFactory, ProductFactory

BAD = [
    ({"k" * 41: "v"}, "/metadata/" + "k" * 41),
    ({"": "v"}, "/metadata/"),
    ({"k": "v" * 501}, "/metadata/k"),
    ({"k": 1}, "/metadata/k"),
    ({"k": {"k": "v"}}, "/metadata/k"),
    ({"k": "\0"}, "/metadata/k"),
    ({"\0": "v"}, "/metadata/\0"),
    ({f"k{n}": "v" for n in range(21)}, "/metadata"),
    ({f"k{n}": 1 for n in range(41)}, "/metadata"),
    ("k=v", "/metadata"),
    (None, "/metadata"),
]
LARGEST = {f"{n:02}" + "é" * 38: "é" * 500 for n in range(20)}


def place(client, **fields):
    items = [{"product_id": ProductFactory().id, "quantity": 1}]
    return client.post("/api/orders", json={"items": items, "shipping_address": ADDRESS, **fields})


def change(client, url, metadata, **kwargs):
    return client.patch(url, json={"metadata": metadata}, **kwargs)


@pytest.fixture
def url(user):
    return f"/api/orders/{OrderFactory(user_id=user.id).id}"


class TestNewOrder:
    @pytest.mark.parametrize("metadata", [{}, {"invoice": "2026-0117"}, LARGEST])
    def test_order_keeps_its_metadata(self, as_user, session, metadata):
        placed = place(as_user, metadata=metadata)

        assert placed.status_code == 201, placed.text
        assert placed.json["metadata"] == metadata
        assert as_user.get(placed.location).json == placed.json
        assert as_user.get("/api/orders").json["items"] == [placed.json]

    def test_metadata_is_optional(self, as_user, session):
        assert place(as_user).json["metadata"] == {}

    @pytest.mark.parametrize(("metadata", "pointer"), [*BAD, ({"k": ""}, "/metadata/k")])
    def test_bad_metadata_is_a_422_that_points_at_it(self, as_user, session, metadata, pointer):
        response = place(as_user, metadata=metadata)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]


class TestChange:
    def test_keys_are_merged_and_empty_values_deleted(self, as_user, url):
        change(as_user, url, {"a": "1", "b": "2", "c": "3"})

        response = change(as_user, url, {"a": "", "b": None, "c": "4", "d": "5"})

        assert response.status_code == 200
        assert response.json["metadata"] == {"c": "4", "d": "5"}
        assert as_user.get(url).json == response.json

    @pytest.mark.parametrize(("metadata", "pointer"), BAD)
    def test_bad_metadata_is_a_422_that_points_at_it(self, as_user, url, metadata, pointer):
        response = change(as_user, url, metadata)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]

    def test_a_21st_key_is_a_422_until_another_is_deleted(self, as_user, url):
        change(as_user, url, LARGEST)

        assert change(as_user, url, {"new": "1"}).status_code == 422
        assert change(as_user, url, {"new": "1", min(LARGEST): None}).status_code == 200

    def test_order_of_another_user_is_a_404(self, app, url):
        stranger = ApiClient(app).signed_in(UserFactory())

        assert change(stranger, url, {"a": "1"}).status_code == 404

    def test_user_who_sends_a_status_too_changes_nothing(self, as_user, url):
        response = as_user.patch(url, json={"status": "paid", "metadata": {"a": "1"}})

        assert response.status_code == 403
        assert as_user.get(url).json["metadata"] == {}

    def test_admin_changes_both_in_one_version(self, as_admin, url):
        response = as_admin.patch(url, json={"status": "paid", "metadata": {"a": "1"}})

        assert (response.json["status"], response.json["metadata"]) == ("paid", {"a": "1"})
        assert response.headers["ETag"].startswith('"2-')

    def test_etag_changes_and_history_stays(self, as_user, url):
        before = as_user.get(url).headers["ETag"]

        response = change(as_user, url, {"a": "1"}, headers={"If-Match": before})

        assert response.status_code == 200
        assert response.headers["ETag"] != before
        assert response.json["history"] == []
        assert change(as_user, url, {"a": "2"}, headers={"If-Match": before}).status_code == 412

    @pytest.mark.parametrize("body", [{}, {"metadata": {}}])
    def test_empty_change_changes_nothing(self, as_user, url, body):
        before = as_user.get(url)

        response = as_user.patch(url, json=body)

        assert (response.status_code, response.json) == (200, before.json)
        assert response.headers["ETag"] == before.headers["ETag"]
