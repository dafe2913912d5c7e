"""Random operations on orders, serial and concurrent: stock and responses match the model."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

import httpx
import orjson
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from models.base import etag
from models.orders import Order, OrderItem
from models.products import Product
from schemas.orders import OrderSchema
from services.demo_accounts import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD
from services.order_statements import ORDER_QUERY, OrderRow
from tests.system.shop.books import (
    Books,
    Buy,
    BuyAgain,
    Call,
    Cancel,
    Move,
    MoveOn,
    Operation,
    Reprice,
    Restock,
    Said,
    Sale,
    Shop,
    explained,
)

# A worker that has reached `max_requests` can close a connection while a client reuses it.
NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)

PRODUCTS, PRICES = st.integers(0, 2), st.integers(0, 999)
SHELVES = st.tuples(st.integers(1, 9), PRICES)
NAMES, NTH = st.tuples(st.integers(0, 1), st.integers(0, 2**32)), st.integers(0, 99)
LINES = st.dictionaries(PRODUCTS, st.integers(1, 4), min_size=1).map(lambda d: tuple(d.items()))
BUY = st.builds(Buy, NAMES, LINES)
OPERATIONS = st.one_of(
    BUY,
    BUY,
    BUY,
    st.builds(BuyAgain, NTH),
    st.builds(Cancel, NTH),
    st.builds(Move, NTH, st.sampled_from(["paid", "shipped", "delivered", "cancelled"])),
    st.builds(MoveOn, NTH),
    st.builds(Reprice, PRODUCTS, PRICES),
    st.builds(Restock, PRODUCTS, st.integers(0, 9), PRICES),
)
# The explain phase is slow and does not support threads well.
SETTINGS = settings(
    max_examples=25, stateful_step_count=15, deadline=None, phases=set(Phase) - {Phase.explain}
)


class Orders(RuleBasedStateMachine):
    def __init__(self, shop: Shop, database: Engine, threads: ThreadPoolExecutor) -> None:
        super().__init__()
        self.shop, self.database, self.threads = shop, database, threads

    @initialize(shelves=st.tuples(SHELVES, SHELVES, SHELVES))
    def open(self, shelves):
        for n, (stock, price) in enumerate(shelves):
            product = {"id": self.shop.product(n), "stock": stock, "price": price}
            fields = {"name": "Anything", "currency": "USD", **product}
            assert self.shop.admin.post("/api/products", json=fields).status_code == 201
        self.put_in = [stock for stock, _ in shelves]
        self.after = self.look()
        self.run([Buy((0, 0), ((0, 1),))])

    @rule(operation=OPERATIONS)
    def alone(self, operation):
        self.run([operation])

    @rule(operations=st.lists(OPERATIONS, min_size=2, max_size=4), copies=st.integers(1, 2))
    def at_once(self, operations, copies):
        self.run(operations * copies)

    def run(self, operations: Sequence[Operation]) -> None:
        addressed = [operation.addressed(self.after) for operation in operations]
        self.calls = list(self.threads.map(self.call, addressed))
        for call in self.calls:
            self.remember(call)
        self.before, self.after = self.after, self.look()

    def call(self, operation: Operation) -> Call:
        sent = time.monotonic()
        response = operation.send(self.shop)
        responded = time.monotonic()
        assert response.status_code < 500, response.text
        return Call(operation, sent, responded, response, said(response))

    def remember(self, call: Call) -> None:
        match call:
            case Call(
                operation=Buy(name=name), response=httpx.Response(status_code=201) as response
            ):
                first = self.shop.orders.setdefault(name, response.json())
                assert response.json() == first, "a retry got another response"
            case Call(operation=Restock(product=n, stock=stock), said=(200, *_)):
                self.put_in[n] += stock - self.after.shelves[n][0]

    def look(self) -> Books:
        """Return the state of the model, read from the database."""
        ids = {self.shop.product(n): n for n in range(3)}
        names = {order["id"]: name for name, order in self.shop.orders.items()}
        ours = select(OrderItem.order_id).where(OrderItem.product_id.in_(ids))
        with Session(self.database) as session:
            products = session.scalars(select(Product).where(Product.id.in_(ids))).all()
            orders = session.execute(ORDER_QUERY.where(Order.id.in_(ours))).all()
        assert {order.id for order in orders} == names.keys(), "an order without a response"
        self.shop.etags = {ids[product.id]: f'"{etag(product)}"' for product in products}
        return Books(
            {ids[product.id]: (product.stock, product.price) for product in products},
            {names[order.id]: sale(as_sent(order)) for order in orders},
        )

    @invariant()
    def nothing_is_sold_that_is_not_there(self):
        assert all(stock >= 0 for stock, _ in self.after.shelves.values())

    @invariant()
    def stock_and_what_is_sold_are_what_was_put_in(self):
        sold = Counter()
        for each in self.after.sales.values():
            if each.status != "cancelled":
                sold.update({n: quantity for n, quantity, _ in each.lines})
        assert [self.after.shelves[n][0] + sold[n] for n in range(3)] == self.put_in

    @invariant()
    def there_is_an_order_that_explains_the_responses(self):
        calls = sorted(self.calls, key=lambda call: call.responded)
        story = [self.before, *((call.operation, call.said) for call in calls), self.after]
        assert explained(calls, self.before, self.after), "\n".join(map(str, story))

    @invariant()
    def totals_are_the_sums_of_their_lines(self):
        for each in self.after.sales.values():
            assert each.total == sum(quantity * price for _, quantity, price in each.lines)


def as_sent(order: OrderRow) -> dict:
    return orjson.loads(orjson.dumps(OrderSchema().dump(order)))


def sale(order: dict) -> Sale:
    lines = [
        (int(item["product_id"].rpartition("-")[2]), item["quantity"], item["unit_price"])
        for item in order["items"]
    ]
    return Sale(order["status"], tuple(lines), order["total"])


def said(response: httpx.Response) -> Said:
    body, replayed = response.json(), "Idempotency-Replayed" in response.headers
    assert all(each["available"] < each["requested"] for each in body.get("products", ())), body
    if response.is_error:
        return response.status_code, body["type"].rpartition("/")[2]
    if "stock" in body:
        return response.status_code, body["stock"], body["price"]
    return response.status_code, "replayed" if replayed else "done", sale(body)


@pytest.fixture
def buyers(server):
    second = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
    httpx.post(f"{server.url}/api/auth/register", json=second)
    with ExitStack() as stack:
        yield [
            stack.enter_context(client_of(server, *account))
            for account in ((USER, USER_PASSWORD), tuple(second.values()))
        ]


@pytest.fixture
def admin(server):
    with client_of(server, ADMIN, ADMIN_PASSWORD) as client:
        yield client


def client_of(server, email: str, password: str) -> httpx.Client:
    with server.signed_in(email, password) as client:
        headers = {"Authorization": client.headers["Authorization"]}
    return httpx.Client(base_url=server.url, headers=headers, limits=NO_KEEPALIVE, timeout=30)


@pytest.fixture
def database(server):
    engine = create_engine(server.environment["DATABASE_URL"])
    yield engine
    engine.dispose()


def test_parallel_operations_are_serializable(database, buyers, admin):
    with ThreadPoolExecutor(8) as threads:
        run_state_machine_as_test(
            lambda: Orders(Shop(uuid4().hex, buyers, admin), database, threads),
            settings=SETTINGS,
        )
