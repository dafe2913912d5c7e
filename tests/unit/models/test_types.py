"""Conversion of ids between clients and PostgreSQL."""

import pytest

from models.types import NIL_UUID, _parsed, to_typeid, to_uuid
from models.users import USER_ID


def test_id_round_trips():
    user_id = USER_ID.new()

    assert to_typeid("user", to_uuid(user_id, "user")) == user_id


@pytest.mark.parametrize(
    "value",
    [
        "",
        "user",
        "user_",
        "session_01kj6zv8m4f5tbq0c9xn2hd7ea",
        "user_" + "!" * 26,
        "user_" + "z" * 26,
    ],
)
def test_invalid_id_becomes_the_nil_uuid(value):
    assert to_uuid(value, "user") == NIL_UUID


def test_id_that_is_too_long_is_not_cached():
    kept = _parsed.cache_info().currsize
    for n in range(100):
        assert to_uuid(f"user_\N{GRINNING FACE}{n}" + "a" * 8000, "user") == NIL_UUID

    assert _parsed.cache_info().currsize == kept
