"""What is returned, as marshmallow itself would return it."""

from datetime import UTC, datetime
from types import SimpleNamespace

import orjson
import pytest
from marshmallow import Schema

from schemas.fast import conversion
from schemas.health import HealthSchema
from schemas.orders import OrderSchema
from schemas.products import ProductSchema
from schemas.sessions import SessionSchema
from schemas.users import AdministeredUserSchema, UserSchema
from tests.support.shop import ADDRESS

NOON = datetime(2026, 2, 12, 12, 30, 1, 20, tzinfo=UTC)
CHANGE = {"from_status": "pending", "to_status": "paid", "changed_by": "user_1", "changed_at": NOON}
LINE = {"product_id": "abc", "quantity": 2, "unit_price": 1250}


def as_json(value):
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))


def row(schema):
    """Something for each field."""
    values = {name: NOON if name.endswith("_at") else name for name in schema().fields}
    values |= dict.fromkeys(["total", "price", "stock"], 7)
    values |= {"phone": None, "items": [LINE], "history": [CHANGE], "shipping_address": ADDRESS}
    return SimpleNamespace(**values, password_hash="secret")


@pytest.mark.parametrize(
    "schema", [AdministeredUserSchema, OrderSchema, ProductSchema, SessionSchema, UserSchema]
)
def test_is_what_marshmallow_makes_of_it(schema):
    theirs = as_json(Schema.dump(schema(), row(schema)))

    ours = as_json(schema().dump(row(schema)))

    assert {key: as_text(value) for key, value in ours.items()} == {
        key: as_text(value) for key, value in theirs.items()
    }
    assert "password_hash" not in ours


def as_text(value):
    """Times have two spellings of UTC."""
    return str(value).replace("+00:00", "Z")


def test_names_of_json_differ_from_those_of_the_row():
    (change,) = OrderSchema().dump(row(OrderSchema))["history"]

    assert change == {"from": "pending", "to": "paid", "by": "user_1", "at": NOON}


def test_dict_loses_what_the_schema_does_not_have():
    line = {**LINE, "cost": 1}
    order = OrderSchema().dump(SimpleNamespace(**{**vars(row(OrderSchema)), "items": [line]}))

    assert order["items"] == [LINE]


def test_nothing_where_a_list_belongs_is_an_empty_list():
    to_list = conversion(OrderSchema().fields["items"])

    assert to_list(None) == []


def test_time_ends_in_z(app):
    with app.app_context():
        body = app.json.dumps(HealthSchema().dump({"status": "", "version": "", "timestamp": NOON}))

    assert '"2026-02-12T12:30:01.000020Z"' in body
