"""Keyset pagination."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.pages import PageRequest, Sort, read_page
from tests.support.notes import Note, NoteFactory

NOTES = select(Note.__table__)
NOON = datetime(2026, 2, 12, 12, tzinfo=UTC)


@pytest.fixture
def names(session):
    """Return the names of five notes, newest first; `b`, `c` and `d` have the same time."""
    ages = {"e": 0, "d": 1, "c": 1, "b": 1, "a": 2}
    for name, age in ages.items():
        NoteFactory(id=id_of(name), created_at=NOON - timedelta(microseconds=age))
    return list(ages)


def id_of(name):
    """Return an id that sorts by the name of the note."""
    return f"note_{name:0>26}"


def page(session, limit, after=None):
    found = read_page(session, NOTES, PageRequest(limit, after), {})
    return [item.id[-1] for item in found.items], found.next


class TestNewestFirst:
    def test_empty_list_has_no_next_page(self, session):
        assert page(session, 1) == ([], None)

    @pytest.mark.parametrize("limit", [5, 6])
    def test_full_last_page_has_no_next_page(self, session, names, limit):
        assert page(session, limit) == (names, None)

    def test_next_page_begins_after_the_last_item(self, session, names):
        _, after = page(session, 2)

        assert after == ("2026-02-12T11:59:59.999999+00:00", id_of("d"))

    @pytest.mark.parametrize("limit", [1, 2, 3, 4])
    def test_pages_have_each_item_once(self, session, names, limit):
        items, after = page(session, limit)
        while after:
            more, after = page(session, limit, after)
            items += more

        assert items == names

    def test_item_of_the_position_can_be_deleted(self, session, names):
        _, after = page(session, 2)
        session.delete(session.get(Note, id_of("d")))
        session.commit()

        assert page(session, 2, after)[0] == ["c", "b"]


class TestSort:
    @pytest.mark.parametrize("descending", [True, False])
    def test_pages_follow_the_columns_in_one_direction(self, session, names, descending):
        sort, items, after = Sort(("title", "id"), descending), [], None
        while not items or after:
            found = read_page(session, NOTES, PageRequest(2, after), {}, sort)
            items, after = [*items, *found.items], found.next

        keys = [(item.title, item.id) for item in items]
        assert keys == sorted(keys, reverse=descending)
        assert len(keys) == 5


class TestFromBefore:
    @pytest.mark.parametrize(
        ("begin", "expected"), [(None, "a"), ("e", "a"), ("d", "a"), ("b", "a"), ("a", "")]
    )
    def test_page_starts_at_or_before_the_time(self, session, names, begin, expected):
        """The time is that of b, c and d, so only `a` is older."""
        items, after = ["", *names], None
        if begin:
            _, after = page(session, items.index(begin))
            after = after or ("2026-02-12T11:59:59.999998+00:00", id_of("a"))
        request = PageRequest(5, after).from_before(NOON - timedelta(microseconds=1))

        found = read_page(session, NOTES, request, {})

        assert "".join(item.id[-1] for item in found.items) == expected
