"""Concurrent orders, against two worker processes."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import httpx
import pytest

from services.demo_accounts import ADMIN, ADMIN_PASSWORD
from tests.support.shop import ADDRESS


@pytest.fixture(scope="module")
def admin(server):
    with server.signed_in(ADMIN, ADMIN_PASSWORD) as client:
        yield client


@pytest.fixture(scope="module")
def buyer(server):
    with server.signed_in("user@example.com", "securepassword123") as client:
        yield client


@pytest.fixture(scope="module")
def other_buyer(server):
    account = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
    httpx.post(f"{server.url}/api/auth/register", json=account)
    with server.signed_in(**account) as client:
        yield client


@pytest.fixture
def product(admin):
    """Return a function that creates a product with a stock, and returns its id."""

    def make(stock: int) -> str:
        fields = {"name": "Scarce", "price": 100, "currency": "USD", "stock": stock}
        return admin.post("/api/products", json=fields).json()["id"]

    return make


def at_once(count, call):
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call, range(count)))


def body(*ids: str, quantity: int = 1) -> dict:
    items = [{"product_id": each, "quantity": quantity} for each in ids]
    return {"items": items, "shipping_address": ADDRESS}


def orders_of(responses: list[httpx.Response]) -> dict[str, dict]:
    """Return the accepted orders, by id."""
    accepted = [response.json() for response in responses if response.status_code == 201]
    return {order["id"]: order for order in accepted}


def stock_of(client: httpx.Client, product_id: str) -> int:
    return client.get(f"/api/products/{product_id}").json()["stock"]


def orders_and_changes(buyer: httpx.Client, admin: httpx.Client, ids: list[str]) -> list[partial]:
    """Return forty orders of two to five products and twenty changes of one, shuffled."""
    some = random.Random(5)
    changes = [{"price": 7}, {"stock": 1000}, {"price": 5, "stock": 900}, {"price": 9}] * 5
    picks = [some.sample(ids, some.randint(2, 5)) for _ in range(40)]
    calls = [
        *(partial(buyer.post, "/api/orders", json=body(*picked)) for picked in picks),
        *(
            partial(
                admin.patch,
                f"/api/products/{some.choice(ids)}",
                json=each,
                headers={"If-Match": "*"},
            )
            for each in changes
        ),
    ]
    some.shuffle(calls)
    return calls


class TestStock:
    def test_ten_of_fifty_buyers_get_the_stock_of_ten(self, buyer, product):
        scarce = product(10)

        responses = at_once(50, lambda _: buyer.post("/api/orders", json=body(scarce)))

        assert Counter(response.status_code for response in responses) == {201: 10, 409: 40}
        lines = [line for order in orders_of(responses).values() for line in order["items"]]
        assert sum(line["quantity"] for line in lines) == 10
        assert stock_of(buyer, scarce) == 0

    def test_orders_of_the_same_products_do_not_deadlock(self, buyer, product):
        a, b = product(1000), product(1000)
        bodies = [body(a, b), body(b, a)]

        responses = at_once(30, lambda n: buyer.post("/api/orders", json=bodies[n % 2]).status_code)

        assert set(responses) == {201}
        assert (stock_of(buyer, a), stock_of(buyer, b)) == (970, 970)

    def test_orders_and_changes_of_the_same_products_all_succeed(self, buyer, admin, product):
        ids = [product(1000) for _ in range(5)]
        calls = orders_and_changes(buyer, admin, ids)

        responses = at_once(60, lambda n: calls[n]())

        assert Counter(response.status_code for response in responses) == {201: 40, 200: 20}
        for order in orders_of(responses).values():
            assert {line["unit_price"] for line in order["items"]} <= {100, 7, 5, 9}
            assert order["total"] == sum(line["unit_price"] for line in order["items"])

    def test_ten_parallel_cancellations_return_the_stock_once(self, buyer, product):
        scarce = product(5)
        order = buyer.post("/api/orders", json=body(scarce)).json()["id"]

        responses = at_once(10, lambda _: buyer.post(f"/api/orders/{order}/cancel").status_code)

        assert Counter(responses) == {200: 1, 409: 9}
        assert stock_of(buyer, scarce) == 5

    def test_only_one_of_cancel_and_ship_succeeds(self, buyer, admin, product):
        scarce = product(5)
        order = buyer.post("/api/orders", json=body(scarce)).json()["id"]
        admin.patch(f"/api/orders/{order}", json={"status": "paid"})
        calls = [
            lambda: admin.patch(f"/api/orders/{order}", json={"status": "shipped"}),
            lambda: buyer.post(f"/api/orders/{order}/cancel"),
        ]

        responses = at_once(2, lambda n: calls[n]().status_code)

        assert sorted(responses) == [200, 409]
        cancelled = buyer.get(f"/api/orders/{order}").json()["status"] == "cancelled"
        assert stock_of(buyer, scarce) == (5 if cancelled else 4)


class TestIdempotencyKey:
    def test_parallel_requests_with_one_key_place_one_order(self, buyer, product):
        scarce, key = product(100), {"Idempotency-Key": str(uuid4())}

        responses = at_once(20, lambda _: buyer.post("/api/orders", json=body(scarce), headers=key))

        assert {response.status_code for response in responses} <= {201, 409}
        assert len(orders_of(responses)) == 1
        assert stock_of(buyer, scarce) == 99

    def test_parallel_requests_with_one_key_place_one_order_per_user(
        self, buyer, other_buyer, product
    ):
        scarce, key = product(100), {"Idempotency-Key": str(uuid4())}
        buyers = [buyer, other_buyer]

        responses = at_once(
            20, lambda n: buyers[n % 2].post("/api/orders", json=body(scarce), headers=key)
        )

        assert {response.status_code for response in responses} <= {201, 409}
        own, others = orders_of(responses[::2]), orders_of(responses[1::2])
        assert (len(own), len(others), len(own | others)) == (1, 1, 2)
        assert stock_of(buyer, scarce) == 98

    def test_parallel_requests_with_one_key_and_two_bodies_place_one_order(self, buyer, product):
        scarce, key = product(100), {"Idempotency-Key": str(uuid4())}
        bodies = [body(scarce, quantity=quantity) for quantity in (1, 2)]

        responses = at_once(
            20, lambda n: buyer.post("/api/orders", json=bodies[n % 2], headers=key)
        )

        ((_, order),) = orders_of(responses).items()
        ordered = order["items"][0]["quantity"]
        same, other = responses[ordered - 1 :: 2], responses[2 - ordered :: 2]
        assert {response.status_code for response in same} <= {201, 409}
        assert {response.status_code for response in other} == {422}
        assert stock_of(buyer, scarce) == 100 - ordered


class TestIfMatch:
    def test_only_one_of_parallel_changes_of_a_version_succeeds(self, admin, product):
        scarce = product(1)
        etag = {"If-Match": admin.get(f"/api/products/{scarce}").headers["ETag"]}

        responses = at_once(
            10,
            lambda n: admin.patch(
                f"/api/products/{scarce}", json={"price": n}, headers=etag
            ).status_code,
        )

        assert Counter(responses) == {200: 1, 412: 9}
