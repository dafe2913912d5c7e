"""Orders and products are committed: another connection sees rows and stock."""

import pytest
from sqlalchemy import text

from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD
from tests.support.shop import ADDRESS

ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}
PRODUCT = (
    "INSERT INTO products (id, name, price, currency, stock) VALUES ('mug', 'Mug', 5, 'USD', 3)"
)
ORDER = {"items": [{"product_id": "mug", "quantity": 2}], "shipping_address": ADDRESS}


@pytest.fixture
def buyer(app, own_engine, use_engine):
    """Return a signed-in client of an application that commits; a product exists."""
    use_engine(own_engine)
    with own_engine.begin() as connection:
        connection.execute(text(PRODUCT))
    client = ApiClient(app)
    assert client.post("/api/auth/register", json=ACCOUNT).status_code == 201
    client.tokens = client.post("/api/auth/login", json=ACCOUNT).json
    return client


def test_order_is_placed_once_and_takes_its_stock(buyer, seen):
    sent = {"json": ORDER, "headers": {"Idempotency-Key": "k"}}
    first, again = (buyer.post("/api/orders", **sent) for _ in range(2))

    assert (first.status_code, again.json) == (201, first.json)
    assert seen("SELECT status, total FROM orders") == [("pending", 10)]
    assert seen("SELECT stock FROM products") == [(1,)]


def test_order_that_fails_leaves_nothing(buyer, seen):
    many = {**ORDER, "items": [{"product_id": "mug", "quantity": 4}]}

    sent = {"json": many, "headers": {"Idempotency-Key": "k"}}
    assert buyer.post("/api/orders", **sent).status_code == 409
    assert seen("SELECT id FROM orders") == seen("SELECT key FROM idempotency_keys") == []
    assert seen("SELECT stock FROM products") == [(3,)]


def test_cancellation_returns_the_stock_once(buyer, seen):
    url = buyer.post("/api/orders", json=ORDER).headers["Location"]
    statuses = [buyer.post(f"{url}/cancel").status_code for _ in range(2)]

    assert statuses == [200, 409]
    assert seen("SELECT status FROM orders") == [("cancelled",)]
    assert seen("SELECT from_status, to_status FROM order_changes") == [("pending", "cancelled")]
    assert seen("SELECT stock FROM products") == [(3,)]
