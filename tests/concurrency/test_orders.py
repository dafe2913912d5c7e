"""Orders, from many at once, against two worker processes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from services.demo import ADMIN, ADMIN_PASSWORD
from tests.factories import ADDRESS


@pytest.fixture(scope="module")
def admin(server):
    with server.signed_in(ADMIN, ADMIN_PASSWORD) as client:
        yield client


@pytest.fixture(scope="module")
def buyer(server):
    with server.signed_in("user@example.com", "securepassword123") as client:
        yield client


@pytest.fixture
def product(admin):
    """Makes a product of so many pieces, and returns its id."""

    def make(stock: int) -> str:
        fields = {"name": "Scarce", "price": 100, "currency": "USD", "stock": stock}
        return admin.post("/api/products", json=fields).json()["id"]

    return make


def at_once(count, call):
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call, range(count)))


def body(*ids: str) -> dict:
    items = [{"product_id": each, "quantity": 1} for each in ids]
    return {"items": items, "shipping_address": ADDRESS}


def stock_of(client: httpx.Client, product_id: str) -> int:
    return client.get(f"/api/products/{product_id}").json()["stock"]


class TestStock:
    def test_of_fifty_buyers_of_ten_pieces_ten_get_one(self, buyer, product):
        scarce = product(10)

        answers = at_once(50, lambda _: buyer.post("/api/orders", json=body(scarce)).status_code)

        assert Counter(answers) == {201: 10, 409: 40}
        assert stock_of(buyer, scarce) == 0

    def test_orders_of_the_same_products_in_other_order_do_not_deadlock(self, buyer, product):
        a, b = product(1000), product(1000)
        bodies = [body(a, b), body(b, a)]

        answers = at_once(30, lambda n: buyer.post("/api/orders", json=bodies[n % 2]).status_code)

        assert set(answers) == {201}
        assert (stock_of(buyer, a), stock_of(buyer, b)) == (970, 970)

    def test_ten_parallel_cancellations_return_the_stock_once(self, buyer, product):
        scarce = product(5)
        order = buyer.post("/api/orders", json=body(scarce)).json()["id"]

        answers = at_once(10, lambda _: buyer.post(f"/api/orders/{order}/cancel").status_code)

        assert Counter(answers) == {200: 1, 409: 9}
        assert stock_of(buyer, scarce) == 5

    def test_of_cancelling_and_shipping_one_wins(self, buyer, admin, product):
        scarce = product(5)
        order = buyer.post("/api/orders", json=body(scarce)).json()["id"]
        admin.patch(f"/api/orders/{order}", json={"status": "paid"})
        calls = [
            lambda: admin.patch(f"/api/orders/{order}", json={"status": "shipped"}),
            lambda: buyer.post(f"/api/orders/{order}/cancel"),
        ]

        answers = at_once(2, lambda n: calls[n]().status_code)

        assert sorted(answers) == [200, 409]
        cancelled = buyer.get(f"/api/orders/{order}").json()["status"] == "cancelled"
        assert stock_of(buyer, scarce) == (5 if cancelled else 4)


class TestIdempotencyKey:
    def test_twenty_parallel_posts_with_one_key_make_one_order(self, buyer, product):
        scarce, key = product(100), {"Idempotency-Key": str(uuid4())}

        answers = at_once(20, lambda _: buyer.post("/api/orders", json=body(scarce), headers=key))

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        assert stock_of(buyer, scarce) == 99


class TestIfMatch:
    def test_of_parallel_changes_of_one_version_one_wins(self, admin, product):
        scarce = product(1)
        etag = {"If-Match": admin.get(f"/api/products/{scarce}").headers["ETag"]}

        answers = at_once(
            10,
            lambda n: admin.patch(
                f"/api/products/{scarce}", json={"price": n}, headers=etag
            ).status_code,
        )

        assert Counter(answers) == {200: 1, 412: 9}
