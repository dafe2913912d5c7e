"""Each order reaches each receiver while processes are killed and PostgreSQL restarts."""

import random
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import repeat
from uuid import uuid4

import httpx
import psutil
import pytest
from sqlalchemy import NullPool, create_engine, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from models.events import Event, EventType
from models.orders import Order
from models.products import Product
from models.webhook_deliveries import DeliveryStatus, WebhookDelivery
from models.webhook_endpoints import WebhookEndpoint
from services.webhook_claims import LEASE
from services.webhook_signatures import new_secret
from tests.support.bad_receivers import Receiver
from tests.support.deliverers import deliverer
from tests.support.factories import PASSWORD
from tests.support.servers import served
from tests.support.shop import ADDRESS
from tests.support.waiting import wait_for
from tools import embedded

SEED = 21
CLIENTS, DELIVERERS = 6, 3
NAMES = ("slow", "failing", "absent")
PATIENCE_SECONDS = 120
ACCOUNT = {"email": "buyer@example.com", "password": PASSWORD}
MUG = {"id": "mug", "name": "Mug", "price": 100, "currency": "USD", "stock": 1_000_000}
BODY = {"items": [{"product_id": "mug", "quantity": 1}], "shipping_address": ADDRESS}


class Buyers:
    """Clients that place `count` orders, and retry each until it is acknowledged."""

    def __init__(self, server, count):
        self.count, self.acknowledged = count, []
        with server.signed_in(**ACCOUNT) as client:
            headers = {"Authorization": client.headers["Authorization"]}
        self.options = {"base_url": server.url, "headers": headers, "timeout": 30}

    def place_all(self):
        with httpx.Client(**self.options) as client, ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(self.place_one, repeat(client, self.count)))

    def place_one(self, client):
        key, deadline = {"Idempotency-Key": str(uuid4())}, time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                response = client.post("/api/orders", json=BODY, headers=key)
            except httpx.TransportError:
                continue
            if response.status_code == 201:
                self.acknowledged.append(response.json()["id"])
                return
            assert response.status_code in (409, 503), response.text
            time.sleep(0.05)
        raise AssertionError(f"not ordered within {PATIENCE_SECONDS} s")


class Faults:
    """Faults in random order; each one waits until more orders are placed."""

    def __init__(self, server, data, url, receivers, stack):
        self.server, self.data, self.random = server, data, random.Random(SEED)
        self.start = lambda port: stack.enter_context(
            deliverer(url, *receivers, METRICS_PORT=str(port))
        )
        # The deliverers, by the port of their metrics.
        self.deliverers = {port: self.start(port) for port in free_ports(DELIVERERS)}

    def cause(self, buyers, kills, restarts):
        faults = [self.kill_worker, self.kill_deliverer] * (kills // 2)
        self.random.shuffle(faults)
        for n in range(restarts):
            faults.insert((n + 1) * len(faults) // (restarts + 1), self.restart_postgresql)
        for n, fault in enumerate(faults):
            share = (n + 1) * buyers.count // (len(faults) + 1)
            wait_for(lambda share=share: len(buyers.acknowledged) >= share, PATIENCE_SECONDS)
            fault()

    def kill_worker(self):
        workers = psutil.Process(self.server.process.pid).children()
        if workers:
            self.random.choice(workers).kill()

    def kill_deliverer(self):
        port = self.random.choice(wait_for(self.delivering, PATIENCE_SECONDS))
        self.deliverers[port].kill()
        self.deliverers[port].wait()
        self.deliverers[port] = self.start(port)

    def delivering(self):
        """Return the ports of the deliverers that have delivered something since their start."""
        return [port for port in self.deliverers if delivered(port)]

    def restart_postgresql(self):
        with embedded.stopped(self.data, self.random.choice(["fast", "immediate"])):
            pass


def free_ports(count):
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def delivered(port):
    try:
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    except httpx.TransportError:
        return False
    return re.search(r'^webhook_attempts_total\{outcome="delivered"\} [1-9]', metrics, re.M)


@pytest.fixture
def engine(own_database_url):
    # No pool: its connections would not outlive the restart.
    return create_engine(own_database_url, poolclass=NullPool)


def add_rows(engine, receivers):
    with Session(engine) as session, session.begin():
        session.add(Product(**MUG))
        for each in receivers:
            url = f"http://127.0.0.1:{each.port}/"
            types = [EventType.ORDER_CREATED]
            session.add(WebhookEndpoint(url=url, event_types=types, secret=new_secret()))


def is_missed(engine, receiver):
    """Return whether a delivery to the receiver has failed; False while PostgreSQL restarts."""
    mine = WebhookEndpoint.url.contains(f":{receiver.port}/")
    failed = select(WebhookDelivery.id).join(WebhookEndpoint).where(mine)
    with suppress(OperationalError), Session(engine) as session:
        return bool(session.scalar(failed.where(WebhookDelivery.last_error.is_not(None)).limit(1)))
    return False


def unfinished(engine, count, *, leases=False):
    """Return whether deliveries are unfinished; make deliveries due that wait for a retry.

    Args:
        leases: Also make deliveries due that wait for the end of the lease of a killed process.
    """
    later = func.now() if leases else func.now() + LEASE
    waiting = (WebhookDelivery.status == "pending", WebhookDelivery.next_attempt_at > later)
    with Session(engine) as session, session.begin():
        session.execute(update(WebhookDelivery).where(*waiting).values(next_attempt_at=func.now()))
        done = WebhookDelivery.status != DeliveryStatus.PENDING
        return session.scalar(select(func.count(WebhookDelivery.id)).where(done)) < count


@pytest.mark.parametrize(
    ("orders", "kills", "restarts", "away"),
    [(200, 6, 1, 0), pytest.param(10_000, 200, 2, 60, marks=pytest.mark.nightly)],
)
def test_each_order_reaches_each_receiver(
    own_data, own_database_url, engine, orders, kills, restarts, away
):
    slow, failing, absent = receivers = Receiver(delay=0.02), Receiver(fails=True), Receiver()
    add_rows(engine, receivers)
    began = time.monotonic()
    with ExitStack() as stack:
        server = stack.enter_context(served(own_database_url, GUNICORN_CMD_ARGS="-w 2"))
        httpx.post(f"{server.url}/api/auth/register", json=ACCOUNT)
        buyers = Buyers(server, orders)
        for each in (slow, failing):
            each.start(stack)
        faults = Faults(server, own_data, own_database_url, receivers, stack)
        with ThreadPoolExecutor(2) as threads:
            placing = threads.submit(buyers.place_all)
            causing = threads.submit(faults.cause, buyers, kills, restarts)
            wait_for(lambda: time.monotonic() > began + away and is_missed(engine, absent), 300)
            absent.start(stack)
            placing.result()
            causing.result()
        unfinished(engine, 3 * orders, leases=True)
        wait_for(lambda: not unfinished(engine, 3 * orders), 900)

    check(engine, buyers, receivers)
    sent = {
        name: (r.attempts.total(), r.accepted.total())
        for name, r in zip(NAMES, receivers, strict=True)
    }
    print(f"{orders} orders, attempts and accepted: {sent}, {time.monotonic() - began:.0f} s")


def check(engine, buyers, receivers):
    with Session(engine) as session:
        placed = session.scalars(select(Order.id)).all()
        created = (Event.type == EventType.ORDER_CREATED,)
        events = session.execute(select(Event.id, Event.resource_id).where(*created)).all()
        statuses = session.scalars(select(WebhookDelivery.status).distinct()).all()
    assert sorted(placed) == sorted(buyers.acknowledged)
    assert sorted(event.resource_id for event in events) == sorted(placed)
    for receiver in receivers:
        assert receiver.accepted.keys() == {event.id for event in events}
    assert statuses == [DeliveryStatus.DELIVERED]
