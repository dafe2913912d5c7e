"""Return of stock; see tests/unit/shop/test_orders.py for orders that take it."""

from datetime import UTC, datetime

import pytest

from models.base import etag
from models.stock import StockReason
from services import stock
from tests.support.shop import ProductFactory


@pytest.fixture
def mug(session):
    return ProductFactory(id="mug", price=1250, stock=10)


@pytest.fixture
def pot(session):
    return ProductFactory(id="pot", price=4900, currency="EUR", stock=1)


class TestAdd:
    def test_stock_of_each_item_is_returned(self, session, mug, pot):
        stock.add(session, {"pot": 2, "mug": 3}, StockReason.CANCELLATION)

        session.refresh(mug)
        session.refresh(pot)
        assert (mug.stock, pot.stock) == (13, 3)

    def test_stock_of_a_retired_product_is_returned(self, session):
        old = ProductFactory(stock=0, retired_at=datetime.now(UTC))

        stock.add(session, {old.id: 3}, StockReason.CANCELLATION)

        session.refresh(old)
        assert old.stock == 3

    def test_version_of_the_product_changes(self, session, mug):
        before = etag(mug)

        stock.add(session, {"mug": 1}, StockReason.CANCELLATION)

        session.refresh(mug)
        assert etag(mug) != before
