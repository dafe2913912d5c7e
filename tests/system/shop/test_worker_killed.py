"""A worker is killed during an order, and the client retries."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx
import psutil
import pytest
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from models.orders import Order
from models.products import Product
from tests.support.factories import PASSWORD
from tests.support.servers import Server, served
from tests.support.shop import ADDRESS
from tests.support.waiting import wait_for

# Session locks and timeouts of the test need a direct connection.
pytestmark = pytest.mark.unpooled

ACCOUNT = {"email": "buyer@example.com", "password": PASSWORD}
BODY = {"items": [{"product_id": "abc", "quantity": 3}], "shipping_address": ADDRESS}
# Longer than the tests wait, so that no timeout ends the statement.
PATIENT = {"DATABASE_LOCK_TIMEOUT": "30000", "DATABASE_STATEMENT_TIMEOUT": "30000"}

# Two places at which an order waits for the advisory lock of this number, which the test takes.
INSERTED, COMMITTING = 1, 2
WAITING_PLACES = f"""
    CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock(TG_ARGV[0]::int); RETURN NULL; END $$;
    CREATE TRIGGER inserted AFTER INSERT ON orders
        FOR EACH ROW EXECUTE FUNCTION wait_for_test({INSERTED});
    CREATE CONSTRAINT TRIGGER committing AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait_for_test({COMMITTING})"""
IN_PLACE = """
    SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"""
BEHIND_THE_KEY = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'transactionid'"""
CONNECTED = "SELECT pid FROM pg_stat_activity WHERE pid = :pid"


@dataclass(frozen=True)
class Shop:
    """The service and its database."""

    server: Server
    database: Engine
    headers: dict[str, str]

    def place(self, key: str) -> httpx.Response:
        """Place an order on a new connection: a kept connection may belong to a killed worker."""
        headers = self.headers | {"Idempotency-Key": key}
        return httpx.post(f"{self.server.url}/api/orders", json=BODY, headers=headers, timeout=40)

    def kill_the_worker(self) -> None:
        """Kill the worker that handles the request."""
        workers = psutil.Process(self.server.process.pid).children()
        (worker,) = (worker for worker in workers if self.serves(worker))
        worker.kill()
        worker.wait(10)

    def serves(self, worker: psutil.Process) -> bool:
        port = httpx.URL(self.server.url).port
        return any(
            each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED
            for each in worker.net_connections("tcp")
        )

    def backend(self, statement: str, **values: int) -> int | None:
        """Return the pid of a PostgreSQL process for which `statement` is true, or None."""
        with self.database.connect() as connection:
            return connection.scalar(text(statement), values)

    @contextmanager
    def holding(self, lock: int):
        with self.database.connect() as connection:
            connection.execute(select(func.pg_advisory_lock(lock)))
            try:
                yield
            finally:
                connection.execute(select(func.pg_advisory_unlock(lock)))

    def books(self) -> tuple[int, int]:
        """Return the number of orders, and the stock."""
        with self.database.connect() as connection:
            return (
                connection.scalar(select(func.count()).select_from(Order)),
                connection.scalar(select(Product.stock).where(Product.id == "abc")),
            )


@pytest.fixture(scope="module")
def shop(new_database, migrated_url):
    url = new_database(make_url(migrated_url).database)
    database = create_engine(url, isolation_level="AUTOCOMMIT")
    with Session(database) as session:
        session.execute(text(WAITING_PLACES))
        session.add(Product(id="abc", name="Mug", price=100, currency="USD", stock=100))
        session.commit()
    with served(url, **PATIENT) as server:
        httpx.post(f"{server.url}/api/auth/register", json=ACCOUNT)
        with server.signed_in(**ACCOUNT) as buyer:
            headers = {"Authorization": buyer.headers["Authorization"]}
        yield Shop(server, database, headers)
    database.dispose()


def killed(shop: Shop, place: int, *, noticed: bool) -> httpx.Response:
    """Kill the worker of a request at `place`, retry it, and return the response to the retry.

    While the statement waits for the lock, PostgreSQL does not notice the lost connection.

    Args:
        noticed: Whether the retry comes after PostgreSQL has noticed the lost connection.
    """
    key, before = str(uuid4()), shop.books()
    with ThreadPoolExecutor(2) as threads:
        with shop.holding(place):
            first = threads.submit(shop.place, key)
            backend = wait_for(lambda: shop.backend(IN_PLACE))
            shop.kill_the_worker()
            with pytest.raises(httpx.TransportError):
                first.result(30)
            assert shop.books() == before
            if not noticed:
                retry = threads.submit(shop.place, key)
                wait_for(lambda: shop.backend(BEHIND_THE_KEY))
        if noticed:
            wait_for(lambda: shop.backend(CONNECTED, pid=backend) is None)
            retry = threads.submit(shop.place, key)
        return retry.result(60)


@pytest.mark.parametrize(
    "noticed", [False, True], ids=["retry before PostgreSQL notices", "retry after it noticed"]
)
class TestKilled:
    def test_retry_after_a_kill_before_the_commit_places_the_order(self, shop, noticed):
        orders, stock = shop.books()

        response = killed(shop, INSERTED, noticed=noticed)

        assert response.status_code == 201
        assert "Idempotency-Replayed" not in response.headers
        assert shop.books() == (orders + 1, stock - 3)

    def test_retry_after_a_kill_in_the_commit_returns_the_lost_response(self, shop, noticed):
        orders, stock = shop.books()

        response = killed(shop, COMMITTING, noticed=noticed)

        assert response.status_code == 201
        assert response.headers["Idempotency-Replayed"] == "true"
        assert shop.books() == (orders + 1, stock - 3)
        order = f"{shop.server.url}{response.headers['Location']}"
        assert httpx.get(order, headers=shop.headers).json() == response.json()
