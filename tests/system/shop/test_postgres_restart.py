"""PostgreSQL restarts while clients place orders and retry failed requests."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Semaphore
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, select, text
from sqlalchemy.orm import Session

from models.orders import Order, OrderItem
from models.products import Product
from tests.support.factories import PASSWORD
from tests.support.probes import alive, recovery
from tests.support.servers import served
from tests.support.shop import ADDRESS
from tools import embedded

CLIENTS = 6
PATIENCE_SECONDS = 30
ACCOUNT = {"email": "buyer@example.com", "password": PASSWORD}
# A slow COMMIT makes it likely that the restart interrupts one.
SLOW_DISK = """
    ALTER DATABASE postgres SET commit_delay = 50000;
    ALTER DATABASE postgres SET commit_siblings = 0"""
# Each client orders its own product, so that clients do not wait for the same row.
PRODUCTS = [f"product-{n}" for n in range(CLIENTS)]


@pytest.fixture(scope="module")
def database(own_database_url):
    # No pool: its connections would not outlive the restart.
    engine = create_engine(own_database_url, poolclass=NullPool)
    with Session(engine) as session, session.begin():
        session.execute(text(SLOW_DISK))
        for product in PRODUCTS:
            session.add(Product(id=product, name="Mug", price=100, currency="USD", stock=100_000))
    return engine


@pytest.fixture(scope="module")
def buyer(database, own_database_url):
    """URL, credentials and product of a client that places orders."""
    with served(own_database_url) as server:
        httpx.post(f"{server.url}/api/auth/register", json=ACCOUNT)
        with server.signed_in(**ACCOUNT) as client:
            headers = {"Authorization": client.headers["Authorization"]}
        yield {"base_url": server.url, "headers": headers, "timeout": PATIENCE_SECONDS}


class Load:
    """Clients that place orders until the end of the block."""

    def __init__(self, buyer):
        self.buyer = buyer
        self.over = Event()
        self.acknowledged, self.failed = Semaphore(0), Semaphore(0)

    @contextmanager
    def running(self):
        """Place orders during the block; the list gets the ids of the acknowledged orders."""
        orders = []
        with ThreadPoolExecutor(CLIENTS) as threads:
            under_way = [threads.submit(self.order, each, orders) for each in PRODUCTS]
            try:
                yield orders
            finally:
                self.over.set()
                for each in under_way:
                    each.result()

    def order(self, product, orders):
        body = {"items": [{"product_id": product, "quantity": 2}], "shipping_address": ADDRESS}
        with httpx.Client(**self.buyer) as client:
            while not self.over.is_set():
                orders.append(self.order_once(client, body))
                self.acknowledged.release()

    def order_once(self, client, body):
        """Place an order, retry it with the same key until it succeeds, and return its id."""
        key = {"Idempotency-Key": str(uuid4())}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                response = client.post("/api/orders", json=body, headers=key)
            except httpx.TransportError:
                pass
            else:
                if response.status_code == 201:
                    return response.json()["id"]
                assert response.status_code == 503, response.text
            self.failed.release()
            time.sleep(0.05)
        raise AssertionError(f"not ordered within {PATIENCE_SECONDS} s")


def wait_for(semaphore, times):
    """Wait until the semaphore has been released `times` more times."""
    while semaphore.acquire(blocking=False):
        pass
    for _ in range(times):
        assert semaphore.acquire(timeout=PATIENCE_SECONDS)


def books(database):
    """Return the ids of the orders, and the numbers of items in stock and sold."""
    with Session(database) as session:
        left = sum(session.scalars(select(Product.stock)))
        sold = sum(session.scalars(select(OrderItem.quantity)))
        return sorted(session.scalars(select(Order.id))), left + sold


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_exactly_the_acknowledged_orders_exist_after_restarts(buyer, own_data, database, mode):
    (orders_before, pieces), load = books(database), Load(buyer)

    with load.running() as acknowledged, alive(buyer["base_url"]):
        wait_for(load.acknowledged, 20)
        with embedded.stopped(own_data, mode):
            wait_for(load.failed, CLIENTS)
        recovery(buyer["base_url"])
        wait_for(load.acknowledged, 20)

    assert books(database) == (sorted([*orders_before, *acknowledged]), pieces)
