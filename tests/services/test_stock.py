"""Stock is taken all or nothing, and returned."""

from datetime import UTC, datetime

import pytest

from services import stock
from services.errors import InvalidInput, OutOfStock
from tests.factories import ProductFactory


@pytest.fixture
def mug(session):
    return ProductFactory(id="mug", price=1250, stock=10)


@pytest.fixture
def pot(session):
    return ProductFactory(id="pot", price=4900, currency="EUR", stock=1)


class TestReserve:
    def test_unknown_products_are_pointed_at_by_their_places(self, session, mug):
        ProductFactory(id="old", retired_at=datetime.now(UTC))

        with pytest.raises(InvalidInput) as refusal:
            stock.reserve(session, {"unknown": 1, "mug": 1, "old": 1})

        pointers = [error["pointer"] for error in refusal.value.members["errors"]]
        assert pointers == ["/items/0/product_id", "/items/2/product_id"]

    def test_unknown_product_is_told_before_a_shortage(self, session, mug):
        with pytest.raises(InvalidInput):
            stock.reserve(session, {"mug": 11, "unknown": 1})

    def test_all_shortages_are_told_at_once(self, session, mug, pot):
        with pytest.raises(OutOfStock) as refusal:
            stock.reserve(session, {"pot": 2, "mug": 11})

        assert refusal.value.members["products"] == [
            {"product_id": "pot", "requested": 2, "available": 1},
            {"product_id": "mug", "requested": 11, "available": 10},
        ]

    def test_takes_the_pieces_and_tells_the_prices(self, session, mug, pot):
        rows = stock.reserve(session, {"pot": 1, "mug": 3})

        prices = {product_id: (row.price, row.currency) for product_id, row in rows.items()}
        assert prices == {"mug": (1250, "USD"), "pot": (4900, "EUR")}
        session.refresh(mug)
        session.refresh(pot)
        assert (mug.stock, pot.stock) == (7, 0)

    def test_changes_the_version(self, session, mug):
        before = mug.etag

        stock.reserve(session, {"mug": 1})

        session.refresh(mug)
        assert mug.etag != before

    def test_leaves_other_products_alone(self, session, mug, pot):
        before = pot.etag

        stock.reserve(session, {"mug": 1})

        session.refresh(pot)
        assert (pot.stock, pot.etag) == (1, before)


class TestRelease:
    def test_puts_the_pieces_of_each_back(self, session, mug, pot):
        stock.release(session, {"pot": 2, "mug": 3})

        session.refresh(mug)
        session.refresh(pot)
        assert (mug.stock, pot.stock) == (13, 3)

    def test_retired_product_gets_its_pieces_back(self, session):
        old = ProductFactory(stock=0, retired_at=datetime.now(UTC))

        stock.release(session, {old.id: 3})

        session.refresh(old)
        assert old.stock == 3

    def test_changes_the_version(self, session, mug):
        before = mug.etag

        stock.release(session, {"mug": 1})

        session.refresh(mug)
        assert mug.etag != before
