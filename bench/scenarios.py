"""Requests of the benchmark, and the responses that all targets must return."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from bench.targets import EMAIL, PASSWORD, SIZES, Server

CUSTOMERS = 16
LIST = "/api/orders?limit=20"
ADDRESS = {"street": "123 Main St", "city": "San Francisco", "state": "CA", "zip": "94102"}


@dataclass(frozen=True)
class Customer:
    """Signed-in user with the ids of their newest orders."""

    number: int
    token: str
    orders: list[str]

    def request(self, method: str, path: str, order: dict[str, Any] | None = None) -> str:
        """Return a raw HTTP request; the load generator replaces `{key}`."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {self.bearer}"]
        body = json.dumps(order) if order else ""
        if order:
            lines += ["Content-Type: application/json", "Idempotency-Key: {key}"]
            lines += [f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", body])

    @property
    def bearer(self) -> str:
        return f"Bearer {self.token}"

    def carts(self) -> list[dict[str, Any]]:
        """Return orders of two products; each customer starts with a different product."""
        first = [(self.number * 11 + i * 2) % SIZES.products for i in range(20)]
        return [
            {
                "items": [
                    {"product_id": f"demo-{n + 1}", "quantity": 2},
                    {"product_id": f"demo-{(n + 1) % SIZES.products + 1}", "quantity": 1},
                ],
                "shipping_address": ADDRESS,
            }
            for n in first
        ]


SCENARIOS: dict[str, Callable[[Customer], list[str]]] = {
    "GET /api/health": lambda who: [who.request("GET", "/api/health")],
    "GET /api/users/me": lambda who: [who.request("GET", "/api/users/me")],
    "GET /api/orders/{id}": lambda who: [
        who.request("GET", f"/api/orders/{order}") for order in who.orders
    ],
    "GET /api/orders?limit=20": lambda who: [who.request("GET", LIST)],
    "POST /api/orders": lambda who: [
        who.request("POST", "/api/orders", cart) for cart in who.carts()
    ],
}


def sign_in(service: Server) -> list[Customer]:
    """Sign in the customers; all targets accept their tokens."""
    return [customer(service, number) for number in range(1, CUSTOMERS + 1)]


def customer(service: Server, number: int) -> Customer:
    login = {"email": EMAIL.format(n=number), "password": PASSWORD}
    _, granted = ask(service, "POST", "/api/auth/login", login)
    token = granted["access_token"]
    _, page = ask(service, "GET", LIST, Authorization=f"Bearer {token}")
    return Customer(number, token, [order["id"] for order in page["items"]])


def ask(
    server: Server, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Send a request, and return the status and the JSON of the response."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        sent["Content-Type"] = "application/json"
    try:
        connection.request(method, path, json.dumps(body) if body else None, sent)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def responses(server: Server, who: Customer) -> dict[str, Any]:
    """Return the responses of a target; they must equal those of the service."""
    paths = ["/api/users/me", LIST, f"/api/orders/{who.orders[0]}", "/api/orders/nothing"]
    read = {path: ask(server, "GET", path, Authorization=who.bearer) for path in paths}
    stranger = ask(server, "GET", "/api/users/me", Authorization="Bearer nothing")
    # Targets may differ in their cursors, and in the bodies of errors.
    read[LIST][1]["next_cursor"] = bool(read[LIST][1]["next_cursor"])
    return {
        "health": sorted(ask(server, "GET", "/api/health")[1]),
        "read": {path: got if got[0] == 200 else got[0] for path, got in read.items()},
        "stranger": stranger[0],
        **ordered(server, who),
    }


def ordered(server: Server, who: Customer) -> dict[str, Any]:
    """Place an order, retry it, and place one beyond the stock; return the parts to compare."""
    cart = who.carts()[0]
    headers = {"Authorization": who.bearer, "Idempotency_Key": "a-key"}
    first, again = (ask(server, "POST", "/api/orders", cart, **headers) for _ in range(2))
    cart["items"][0]["product_id"] = "scarce"
    cart["items"][0]["quantity"] = 10
    headers["Idempotency_Key"] = "another-key"
    short, _ = ask(server, "POST", "/api/orders", cart, **headers)
    own = {"id", "created_at", "updated_at"}
    placed = {name: value for name, value in first[1].items() if name not in own}
    return {
        "order": (first[0], placed, sorted(first[1])),
        "repeated": first == again,
        "short": short,
    }


def invalid_orders(server: Server, who: Customer) -> list[int]:
    """Return the statuses of orders that validation must reject."""
    cart = who.carts()[0]
    zip_missing = {name: value for name, value in ADDRESS.items() if name != "zip"}
    orders = [
        {**cart, "items": []},
        {**cart, "items": [{"product_id": "demo-1", "quantity": 0}]},
        {**cart, "items": [{"product_id": "no such id", "quantity": 1}]},
        {**cart, "shipping_address": zip_missing},
    ]
    headers = {"Authorization": who.bearer, "Idempotency_Key": "invalid"}
    return [ask(server, "POST", "/api/orders", order, **headers)[0] for order in orders]
