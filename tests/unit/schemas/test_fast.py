"""FastSchema raises an error for unsupported features at instantiation."""

from datetime import date

import orjson
import pytest
from marshmallow import Schema, fields, post_dump, pre_dump

from schemas.fast import FastSchema


class Inner(FastSchema):
    name = fields.String()


class HookedSchema(FastSchema):
    @post_dump
    def add(self, data, **_):
        return {**data, "more": 1}


class PreparedSchema(FastSchema):
    @pre_dump
    def prepare(self, data, **_):
        return data


class AttributeSchema(FastSchema):
    name = fields.String()

    def get_attribute(self, obj, attr, default):
        return "other"


@pytest.mark.parametrize("schema", [HookedSchema, PreparedSchema, AttributeSchema])
def test_hooks_raise_an_error(schema):
    with pytest.raises(TypeError, match=schema.__name__):
        schema()


@pytest.mark.parametrize(
    "field",
    [
        fields.Pluck(Inner, "name"),
        fields.Nested(Inner, many=True),
        fields.List(fields.Pluck(Inner, "name")),
        fields.AwareDateTime(format="%Y"),
        fields.Date(format="%Y"),
        fields.Decimal(),
        fields.Integer(as_string=True),
        fields.UUID(),
        fields.Dict(values=fields.Integer()),
        fields.Function(lambda _: 1),
        fields.Constant(1),
        fields.String(dump_default="x"),
        fields.String(attribute="user.name"),
    ],
    ids=repr,
)
def test_unsupported_field_raises_an_error(field):
    with pytest.raises(TypeError, match="cannot dump"):
        FastSchema.from_dict({"field": field})()


def test_date_is_written_as_by_marshmallow():
    day = {"day": date(2026, 3, 9)}
    schema = Schema.from_dict({"day": fields.Date()})()
    fast = FastSchema.from_dict({"day": fields.Date()})()

    assert orjson.loads(orjson.dumps(fast.dump(day))) == schema.dump(day)


def test_many_raises_an_error():
    with pytest.raises(TypeError):
        Inner(many=True)
    with pytest.raises(TypeError):
        Inner().dump([], many=True)


def test_nested_plain_schema_is_dumped_by_marshmallow():
    plain = Schema.from_dict({"n": fields.Decimal(as_string=True)})
    schema = FastSchema.from_dict({"inner": fields.Nested(plain)})()

    assert schema.dump({"inner": {"n": 1, "other": 2}}) == {"inner": {"n": "1"}}
