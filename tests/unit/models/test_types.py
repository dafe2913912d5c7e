"""Ids, as clients see them and as PostgreSQL has them."""

import pytest

from models.orders import ORDER_ID
from models.types import NOBODY, _parsed, to_typeid, to_uuid


def test_id_comes_back_as_it_was():
    order_id = ORDER_ID.new()

    assert to_typeid("order", to_uuid(order_id, "order")) == order_id


@pytest.mark.parametrize(
    "value",
    [
        "",
        "order",
        "order_",
        "user_01kj6zv8m4f5tbq0c9xn2hd7ea",
        "order_" + "!" * 26,
        "order_" + "z" * 26,
    ],
)
def test_what_is_no_such_id_is_nobodys(value):
    assert to_uuid(value, "order") == NOBODY


def test_what_is_too_long_for_an_id_is_not_kept_in_memory():
    kept = _parsed.cache_info().currsize
    for n in range(100):
        assert to_uuid(f"order_\N{GRINNING FACE}{n}" + "a" * 8000, "order") == NOBODY

    assert _parsed.cache_info().currsize == kept
