"""Keyset pagination."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from models.base import table
from models.products import Product
from services.pages import PageRequest, Position, newest_first
from tests.support.factories import ProductFactory

PRODUCTS = select(table(Product))
NOON = datetime(2026, 2, 12, 12, tzinfo=UTC)


@pytest.fixture
def names(session):
    """The ids of five products, the newest first; `b`, `c` and `d` are of one moment."""
    ages = {"e": 0, "d": 1, "c": 1, "b": 1, "a": 2}
    for name, age in ages.items():
        ProductFactory(id=name, created_at=NOON - timedelta(microseconds=age))
    return list(ages)


def page(session, limit, after=None):
    found = newest_first(session, PRODUCTS, PageRequest(limit, after), {})
    return [item.id for item in found.items], found.next


class TestNewestFirst:
    def test_nothing_has_no_next_page(self, session):
        assert page(session, 1) == ([], None)

    @pytest.mark.parametrize("limit", [5, 6])
    def test_full_page_is_the_last_if_nothing_follows(self, session, names, limit):
        assert page(session, limit) == (names, None)

    def test_next_page_begins_after_the_last_item(self, session, names):
        _, after = page(session, 2)

        assert after == Position(NOON - timedelta(microseconds=1), "d")

    @pytest.mark.parametrize("limit", [1, 2, 3, 4])
    def test_pages_have_each_item_once(self, session, names, limit):
        items, after = page(session, limit)
        while after:
            more, after = page(session, limit, after)
            items += more

        assert items == names

    def test_item_that_the_position_names_may_be_gone(self, session, names):
        _, after = page(session, 2)
        session.delete(session.get(Product, "d"))
        session.commit()

        assert page(session, 2, after)[0] == ["c", "b"]


class TestFromBefore:
    @pytest.mark.parametrize(
        ("begin", "expected"), [(None, "a"), ("e", "a"), ("d", "a"), ("b", "a"), ("a", "")]
    )
    def test_page_begins_at_the_moment_or_further_down(self, session, names, begin, expected):
        """The moment is that of b, c and d, so only `a` was made before it."""
        items, after = ["", *names], None
        if begin:
            _, after = page(session, items.index(begin))
            after = after or Position(NOON - timedelta(microseconds=2), "a")
        request = PageRequest(5, after).from_before(NOON - timedelta(microseconds=1))

        found = newest_first(session, PRODUCTS, request, {})

        assert "".join(item.id for item in found.items) == expected
