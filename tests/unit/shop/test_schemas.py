"""Schemas of orders and products dump like marshmallow."""

from datetime import UTC, datetime
from types import SimpleNamespace

import orjson
import pytest
from marshmallow import Schema

from schemas.orders import OrderSchema
from schemas.products import ProductSchema
from schemas.stock import StockChangeSchema
from tests.support.shop import ADDRESS

NOON = datetime(2026, 2, 12, 12, 30, 1, 20, tzinfo=UTC)
CHANGE = {
    "from_status": "pending",
    "to_status": "paid",
    "changed_by": "user_1",
    "changed_by_api_key": None,
    "changed_at": NOON,
}
LINE = {"product_id": "abc", "name": "Coffee mug", "quantity": 2, "unit_price": 1250}


def row(schema):
    """Return a row with a value for each field of the schema."""
    values = {name: NOON if name.endswith("_at") else name for name in schema().fields}
    values |= dict.fromkeys(["total", "price", "stock", "stock_low_threshold"], 7)
    values |= {"items": [LINE], "history": [CHANGE], "shipping_address": ADDRESS}
    values |= {"metadata": {"invoice": "2026-0117"}, "change": -2, "version": 3}
    return SimpleNamespace(**values)


def as_json(value):
    """Return the JSON value, with one spelling of UTC."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode().replace("+00:00", "Z")


@pytest.mark.parametrize("schema", [OrderSchema, ProductSchema, StockChangeSchema])
def test_dump_equals_that_of_marshmallow(schema):
    expected = orjson.loads(as_json(Schema.dump(schema(), row(schema))))

    assert orjson.loads(as_json(schema().dump(row(schema)))) == expected


def test_changes_have_short_names():
    (change,) = OrderSchema().dump(row(OrderSchema))["history"]

    by = {"by": "user_1", "by_api_key": None}
    assert change == {"from": "pending", "to": "paid", **by, "at": NOON}


def test_unknown_keys_are_not_dumped():
    order = SimpleNamespace(**{**vars(row(OrderSchema)), "items": [{**LINE, "cost": 1}]})

    assert OrderSchema().dump(order)["items"] == [LINE]
