"""What a prepared statement has returned."""

import pytest
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from app.rows import Columns, Rows

NONE, ONE, TWO = Rows([]), Rows([("a", 1)]), Rows([("a", 1), ("b", 2)])


def test_row_has_the_types_of_its_columns_and_their_names():
    row = Columns(["n", "text"], [int, None]).row(("1", "2"))

    assert row == (1, "2")
    assert (row.n, row.text) == (1, "2")


def test_column_without_a_name_of_python_is_there_by_its_place():
    assert Columns(["?column?", "class"], [None, None]).row((1, 2)) == (1, 2)


def test_all_are_there():
    assert [each.all() for each in (NONE, TWO)] == [[], [("a", 1), ("b", 2)]]


def test_one_is_the_only_one():
    assert ONE.one() == ONE.one_or_none() == ("a", 1)
    assert NONE.one_or_none() is None
    with pytest.raises(NoResultFound):
        NONE.one()


@pytest.mark.parametrize("method", ["one", "one_or_none", "scalar_one_or_none"])
def test_several_are_not_one(method):
    with pytest.raises(MultipleResultsFound):
        getattr(TWO, method)()


def test_scalar_is_the_first_value():
    assert [each.scalar() for each in (NONE, ONE, TWO)] == [None, "a", "a"]
    assert [each.scalar_one_or_none() for each in (NONE, ONE)] == [None, "a"]
