"""Load for the picture of the dashboard: reads, orders, sessions, an API key and errors."""

import math
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from uuid import uuid4

from bench.scenarios import CUSTOMERS, LIST, Customer, ask, sign_in
from bench.targets import EMAIL, PASSWORD, Server

ORDER, NO_ORDER = "/api/orders/{id}", "/api/orders/order_00000000000000000000000000"
READS = ("/api/products?limit=20", "/api/products/demo-1", "/api/users/me", LIST, ORDER, ORDER)
MISTAKES = ("/api/nothing", NO_ORDER, f"{LIST}&cursor=wrong")
WAVE_SECONDS = 60
# Requests fail while PostgreSQL restarts; the body of a logout's 204 is no JSON (ValueError).
ERRORS = (OSError, HTTPException, ValueError, KeyError)


class Traffic:
    """Requests of each kind, to a random server for a random customer."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers, self.customers = servers, sign_in(servers[0])
        name = {"name": "nightly export", "scopes": ["orders:read", "profile"]}
        self.key = self.send("POST", "/api/api-keys", name, self.customers[0].bearer)["key"]

    def send(self, method: str, path: str, body: Any = None, bearer: str = "") -> dict[str, Any]:
        headers = {"Authorization": bearer} if bearer else {}
        if method == "POST":
            headers["Idempotency_Key"] = uuid4().hex
        return ask(random.choice(self.servers), method, path, body, **headers)[1]

    def customer(self) -> Customer:
        return random.choice(self.customers)

    def read(self) -> None:
        who = self.customer()
        path = random.choice(READS).format(id=random.choice(who.orders))
        self.send("GET", path, bearer=who.bearer)

    def read_with_key(self) -> None:
        self.send("GET", LIST, bearer=f"Bearer {self.key}")

    def order(self) -> None:
        who = self.customer()
        self.send("POST", "/api/orders", random.choice(who.carts()), who.bearer)

    def session(self) -> None:
        login = {"email": EMAIL.format(n=random.randint(1, CUSTOMERS)), "password": PASSWORD}
        granted = self.send("POST", "/api/auth/login", login)
        refresh = {"refresh_token": granted["refresh_token"]}
        bearer = f"Bearer {self.send('POST', '/api/auth/refresh', refresh)['access_token']}"
        self.send("POST", "/api/auth/logout", bearer=bearer)

    def register(self) -> None:
        account = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD, "name": "Ada"}
        self.send("POST", "/api/auth/register", account)

    def wrong_password(self) -> None:
        self.send("POST", "/api/auth/login", {"email": EMAIL.format(n=99), "password": "guessed"})

    def mistake(self) -> None:
        self.send("GET", random.choice(MISTAKES), bearer=self.customer().bearer)


def send_traffic(servers: list[Server], end: float) -> None:
    """Send requests until `end`; each kind has its own thread and mean rate per second."""
    traffic = Traffic(servers)
    rates: dict[Callable[[], None], float] = {
        traffic.read: 12,
        traffic.read_with_key: 3,
        traffic.order: 3,
        traffic.session: 0.4,
        traffic.register: 0.2,
        traffic.wrong_password: 0.3,
        traffic.mistake: 2,
    }
    with ThreadPoolExecutor(len(rates)) as pool:
        runs = [pool.submit(repeat, send, rate, end) for send, rate in rates.items()]
    for run in runs:
        run.result()


def repeat(send: Callable[[], None], rate: float, end: float) -> None:
    """Send requests at random times until `end`, at a rate that rises and falls."""
    while (now := time.time()) < end:
        with suppress(*ERRORS):
            send()
        wave = 1 + 0.5 * math.sin(2 * math.pi * now / WAVE_SECONDS)
        time.sleep(random.expovariate(rate * wave))
