"""Orders take all of their stock or none, at current prices."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.base import etag
from models.products import Product
from models.users import Role
from services import orders
from services.errors import InvalidInput
from services.orders import OutOfStock
from services.principals import Principal
from tests.support.factories import UserFactory
from tests.support.shop import ADDRESS, ProductFactory


def as_sent(value):
    """Return a value as clients read it; the database returns items as JSON text."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


@pytest.fixture
def mug(session):
    return ProductFactory(id="mug", price=1250, stock=10)


@pytest.fixture
def pot(session):
    return ProductFactory(id="pot", price=4900, stock=1)


@pytest.fixture
def place(session, user):
    def call(**quantities):
        items = [{"product_id": key, "quantity": count} for key, count in quantities.items()]
        return orders.place(session, Principal(user.id, "session", Role.USER), items, ADDRESS)

    return call


def pointers(raised):
    return [error["pointer"] for error in raised.value.extension_members["errors"]]


class TestPlace:
    def test_unknown_products_have_pointers(self, place, mug):
        ProductFactory(id="old", retired_at=datetime.now(UTC))

        with pytest.raises(InvalidInput) as raised:
            place(unknown=1, mug=1, old=1)

        assert pointers(raised) == ["/items/0/product_id", "/items/2/product_id"]

    def test_unknown_product_is_reported_before_a_shortage(self, place, mug):
        with pytest.raises(InvalidInput):
            place(mug=11, unknown=1)

    def test_all_shortages_are_reported_together(self, place, mug, pot):
        ProductFactory(id="cup", stock=3)

        with pytest.raises(OutOfStock) as raised:
            place(pot=2, cup=2, mug=11)

        assert raised.value.extension_members["products"] == [
            {"product_id": "pot", "requested": 2, "available": 1},
            {"product_id": "mug", "requested": 11, "available": 10},
        ]

    def test_shortage_is_reported_before_a_second_currency(self, place, mug):
        ProductFactory(id="tea", currency="EUR", stock=0)

        with pytest.raises(OutOfStock):
            place(mug=1, tea=1)

    def test_products_of_other_currencies_have_pointers(self, place, mug, pot):
        ProductFactory(id="tea", currency="EUR")

        with pytest.raises(InvalidInput) as raised:
            place(mug=1, tea=1, pot=1)

        assert pointers(raised) == ["/items/1"]

    def test_items_keep_their_order_and_have_current_prices(self, session, place, mug, pot):
        order = place(pot=1, mug=3)

        assert as_sent(order.items) == [
            {"product_id": "pot", "name": pot.name, "quantity": 1, "unit_price": 4900},
            {"product_id": "mug", "name": mug.name, "quantity": 3, "unit_price": 1250},
        ]
        assert order.total == 4900 + 3 * 1250
        session.refresh(mug)
        session.refresh(pot)
        assert (mug.stock, pot.stock) == (7, 0)

    def test_placed_order_equals_the_read_order(self, session, place, user, mug, pot):
        placed = place(mug=1, pot=1)

        read = orders.get(session, Principal(user.id, "session", Role.USER), placed.id)

        assert as_sent({**read._asdict(), "found": None, "low": None}) == as_sent(placed._asdict())

    def test_only_versions_of_ordered_products_change(self, session, place, mug, pot):
        before = etag(mug), etag(pot)

        place(mug=1)

        session.refresh(mug)
        session.refresh(pot)
        assert etag(mug) != before[0]
        assert etag(pot) == before[1]


class TestConcurrentChange:
    @pytest.fixture
    def buyer(self, own_engine):
        with Session(own_engine, expire_on_commit=False) as session:
            user = UserFactory.build()
            session.add_all([user, ProductFactory.build(id="v", stock=5)])
            session.add(ProductFactory.build(id="w", stock=0))
            session.commit()
        return user

    @staticmethod
    def order(own_engine, buyer):
        items = [{"product_id": "v", "quantity": 1}, {"product_id": "w", "quantity": 2}]
        with Session(own_engine) as session:
            order = orders.place(session, Principal(buyer.id, "session", Role.USER), items, ADDRESS)
            session.commit()
            return order

    @staticmethod
    def wait_until_locked(own_engine):
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with own_engine.connect() as connection:
                if connection.scalar(waiting):
                    return
            time.sleep(0.01)
        raise AssertionError("no transaction waits for a lock")

    def test_stock_changed_while_the_order_waited_is_used(self, own_engine, buyer):
        with Session(own_engine) as restock, ThreadPoolExecutor(1) as thread:
            restock.get(Product, "w").stock = 10
            restock.flush()
            order = thread.submit(self.order, own_engine, buyer)
            self.wait_until_locked(own_engine)
            restock.commit()

            assert [item["quantity"] for item in as_sent(order.result(10).items)] == [1, 2]

    def test_price_changed_while_the_order_waited_is_used(self, own_engine, buyer):
        with Session(own_engine) as change, ThreadPoolExecutor(1) as thread:
            change.get(Product, "w").stock = 10
            change.commit()
            change.get(Product, "w").price = 7
            change.flush()
            order = thread.submit(self.order, own_engine, buyer)
            self.wait_until_locked(own_engine)
            change.commit()

            assert order.result(10).total == 1000 + 2 * 7
