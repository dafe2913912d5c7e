"""`Idempotency-Key` of POST /api/orders: a retry never orders twice."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from models.idempotency import IdempotencyKey
from models.orders import Order
from services.orders import OutOfStock
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.shop import ADDRESS, ProductFactory

KEY = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
BODY = {"items": [{"product_id": "abc", "quantity": 2}], "shipping_address": ADDRESS}
REPLAYED = "Idempotency-Replayed"


@pytest.fixture
def abc(session):
    return ProductFactory(id="abc", stock=10)


def place(client, key=KEY, body=BODY, **kwargs):
    return client.post("/api/orders", json=body, headers={"Idempotency-Key": key}, **kwargs)


def orders(session):
    return session.scalar(select(func.count()).select_from(Order))


def keys(session):
    return session.scalar(select(func.count()).select_from(IdempotencyKey))


class TestKeyErrors:
    @pytest.mark.parametrize(
        "key", ["", '""', "a b", '"a b"', 'a"b', "a\\b", "é", "x" * 256, "k,k", '"k","k"', ","]
    )
    def test_malformed_key_returns_400_and_orders_nothing(self, as_user, abc, session, key):
        response = place(as_user, key)

        assert response.status_code == 400
        assert response.json["type"] == "/api/problems/malformed-idempotency-key"
        assert orders(session) == 0

    def test_anonymous_request_returns_401_before_the_400(self, client):
        assert place(client, "").status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"items": [{"product_id": "abc", "quantity": 3}]},
            {"shipping_address": ADDRESS | {"zip": "94103"}},
            {"items": []},
        ],
    )
    def test_other_body_returns_422_and_orders_nothing(self, as_user, abc, session, change):
        place(as_user)

        response = place(as_user, body=BODY | change)

        assert response.status_code == 422
        assert response.json["type"] == "/api/problems/idempotency-key-reused"
        assert REPLAYED not in response.headers
        assert orders(session) == 1


class TestFailedAttempt:
    """A failed request stores no response, so the key can be reused."""

    def test_out_of_stock_succeeds_with_the_same_key_later(self, as_user, abc, session):
        abc.stock = 1
        session.commit()
        assert place(as_user).status_code == 409
        assert keys(session) == 0

        abc.stock = 2
        session.commit()
        response = place(as_user)

        assert response.status_code == 201
        assert REPLAYED not in response.headers

    def test_smaller_order_succeeds_with_the_same_key_after_out_of_stock(self, as_user, abc):
        too_many = BODY | {"items": [{"product_id": "abc", "quantity": 11}]}
        assert place(as_user, body=too_many).status_code == 409

        assert place(as_user).status_code == 201

    def test_advice_of_out_of_stock_allows_the_same_key(self):
        assert "reuse the Idempotency-Key" in OutOfStock.advice
        assert "new Idempotency-Key" not in OutOfStock.advice

    def test_corrected_body_succeeds_with_the_same_key(self, as_user, abc, session):
        assert place(as_user, body=BODY | {"items": []}).status_code == 422
        assert keys(session) == 0

        assert place(as_user).status_code == 201


class TestReplay:
    def test_retry_returns_the_first_response(self, as_user, abc):
        first = place(as_user)
        again = place(as_user)

        assert REPLAYED not in first.headers
        assert again.headers[REPLAYED] == "true"
        assert (again.status_code, again.data) == (first.status_code, first.data)
        for name in ("Location", "ETag", "Content-Type"):
            assert again.headers[name] == first.headers[name]

    def test_retry_places_one_order(self, as_user, abc, session):
        for _ in range(3):
            place(as_user)

        assert orders(session) == 1
        session.refresh(abc)
        assert abc.stock == 8

    def test_retry_returns_the_first_response_after_a_change(self, as_user, abc):
        first = place(as_user)
        as_user.post(f"{first.headers['Location']}/cancel")

        again = place(as_user)

        assert (again.status_code, again.data) == (201, first.data)

    def test_other_spelling_of_the_same_json_is_the_same_request(self, as_user, abc):
        place(as_user)

        again = place(as_user, body=dict(reversed(BODY.items())))

        assert again.headers[REPLAYED] == "true"

    @pytest.mark.parametrize("quantity", [b"2.0", b"2e0", b"20e-1"])
    def test_other_spelling_of_the_same_number_is_the_same_request(self, as_user, abc, quantity):
        first = place(as_user)
        data = json.dumps(BODY).encode().replace(b'"quantity": 2', b'"quantity": ' + quantity)
        headers = {"Idempotency-Key": KEY, "Content-Type": "application/json"}
        second = as_user.post("/api/orders", data=data, headers=headers)

        assert (second.status_code, second.headers[REPLAYED]) == (201, "true")
        assert second.data == first.data

    @pytest.mark.parametrize("keys", [(KEY, f'"{KEY}"'), (f'"{KEY}"', KEY), ("x" * 255, "x" * 255)])
    def test_quoted_and_unquoted_key_are_the_same(self, as_user, abc, keys):
        first, again = (place(as_user, key) for key in keys)

        assert again.headers[REPLAYED] == "true"
        assert again.json == first.json


class TestOwnKey:
    def test_each_request_without_a_key_places_an_order(self, as_user, abc, session):
        for _ in range(2):
            assert as_user.post("/api/orders", json=BODY).status_code == 201

        assert orders(session) == 2

    def test_other_key_places_another_order(self, as_user, abc, session):
        place(as_user, KEY)

        assert REPLAYED not in place(as_user, KEY.upper()).headers
        assert orders(session) == 2

    def test_same_key_of_another_user_is_independent(self, app, as_user, abc, session):
        mine = place(as_user)

        theirs = place(ApiClient(app).signed_in(UserFactory()))

        assert theirs.status_code == 201
        assert REPLAYED not in theirs.headers
        assert theirs.json["id"] != mine.json["id"]


class TestExpiry:
    @staticmethod
    def let_pass(session, **time):
        earlier = IdempotencyKey.created_at - timedelta(**time)
        session.execute(update(IdempotencyKey).values(created_at=earlier))
        session.commit()

    def test_key_younger_than_a_day_is_replayed(self, as_user, abc, session):
        place(as_user)
        self.let_pass(session, hours=23, minutes=59)

        assert place(as_user).headers[REPLAYED] == "true"

    def test_key_older_than_a_day_places_a_new_order(self, as_user, abc, session):
        first = place(as_user)
        self.let_pass(session, hours=24, seconds=1)
        body = BODY | {"items": [{"product_id": "abc", "quantity": 1}]}

        second = place(as_user, body=body)

        assert second.status_code == 201
        assert REPLAYED not in second.headers
        assert second.json["id"] != first.json["id"]
        assert place(as_user, body=body).data == second.data
