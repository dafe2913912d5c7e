"""The stock ledger during concurrent writes, against two worker processes."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.engine import make_url

from services.demo_accounts import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD
from tests.support.servers import served
from tests.support.shop import ADDRESS

ROUNDS = 3
PATIENT = {
    "DATABASE_LOCK_TIMEOUT": "60000",
    "DATABASE_STATEMENT_TIMEOUT": "60000",
    "DATABASE_POOL_TIMEOUT": "60",
}
STOCK, CANCELLED = 30, 10
HEADER = "id,name,price,currency,stock"


@pytest.fixture(scope="module")
def server(new_database, migrated_url):
    """Two worker processes, whose timeouts do not depend on the speed of the machine."""
    url = new_database(make_url(migrated_url).database)
    with served(url, **PATIENT) as server:
        server.flask("demo", "load")
        yield server


@pytest.fixture(scope="module")
def admin(server):
    with server.signed_in(ADMIN, ADMIN_PASSWORD) as client:
        yield client


@pytest.fixture(scope="module")
def buyer(server):
    with server.signed_in(USER, USER_PASSWORD) as client:
        yield client


@pytest.fixture
def product(admin) -> str:
    fields = {"name": "Scarce", "price": 100, "currency": "USD", "stock": STOCK}
    return admin.post("/api/products", json=fields).json()["id"]


def buy(buyer, product) -> httpx.Response:
    body = {"items": [{"product_id": product, "quantity": 2}], "shipping_address": ADDRESS}
    return buyer.post("/api/orders", json=body, headers={"Idempotency-Key": str(uuid4())})


def changes_of(admin: httpx.Client, product: str) -> list[dict]:
    """Return the ledger of a product, oldest change first."""
    url, rows = f"/api/products/{product}/stock-changes?limit=50", []
    while url:
        page = admin.get(url)
        rows += page.json()["items"]
        url = page.links.get("next", {}).get("url")
    return rows[::-1]


def writes(admin, buyer, product, orders) -> list[Callable[[], httpx.Response]]:
    """Fifty orders, twenty changes of stock and a cancellation of each order, shuffled."""
    stock = f"/api/products/{product}/stock"
    changes = [{"change": 3, "reason": "delivery"}, {"change": -2, "reason": "loss"}] * 10
    calls = [
        *(partial(buy, buyer, product) for _ in range(50)),
        *(partial(admin.post, stock, json=change) for change in changes),
        *(partial(buyer.post, f"/api/orders/{order}/cancel") for order in orders),
    ]
    random.Random(product).shuffle(calls)
    return calls


@pytest.mark.parametrize("_", range(ROUNDS))
def test_ledger_matches_the_stock_beside_concurrent_writes(
    server, admin, buyer, product, tmp_path, _
):
    orders = [buy(buyer, product).json()["id"] for _ in range(CANCELLED)]
    csv = tmp_path / "products.csv"
    csv.write_text(f"{HEADER}\n{product},Scarce,100,USD,40\n")
    calls = writes(admin, buyer, product, orders)

    with ThreadPoolExecutor(len(calls) + 1) as threads:
        importing = threads.submit(server.flask, "products", "import", str(csv))
        statuses = Counter(threads.map(lambda call: call().status_code, calls))
        importing.result()

    assert set(statuses) <= {200, 201, 409}, statuses
    assert statuses[200] >= CANCELLED
    rows = changes_of(admin, product)
    stocks = [0, *(row["stock"] for row in rows)]
    assert min(stocks) >= 0
    # Each change starts at the stock after the previous change, so no change is missing.
    assert [row["change"] for row in rows] == [after - before for before, after in pairwise(stocks)]
    assert Counter(row["reason"] for row in rows)["cancellation"] == CANCELLED
    assert admin.get(f"/api/products/{product}").json()["stock"] == stocks[-1]
    server.flask("products", "verify-stock")
