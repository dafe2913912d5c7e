"""Register and place an order, to check a running service."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

PASSWORD = "correct-Horse-7-battery"
ORDER = {
    "items": [{"product_id": "abc", "quantity": 2}, {"product_id": "def", "quantity": 1}],
    "shipping_address": {
        "street": "123 Main St",
        "city": "San Francisco",
        "state": "CA",
        "zip": "94102",
    },
}


@contextmanager
def customer(url: str) -> Iterator[httpx.Client]:
    """Register an account, and yield a client that is signed in."""
    account = {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD}
    with httpx.Client(base_url=url, timeout=30) as client:
        registered = client.post("/api/auth/register", json={**account, "name": "Ada"})
        assert registered.status_code == 201, registered.text
        token = client.post("/api/auth/login", json=account).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def order_twice(url: str) -> tuple[httpx.Response, httpx.Response]:
    """Place an order, repeat the request, and return both responses."""
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    with customer(url) as client:
        first, again = (client.post("/api/orders", json=ORDER, headers=headers) for _ in range(2))
        assert client.get(first.headers["Location"]).json()["id"] == first.json()["id"]
    return first, again
