"""Base classes of schemas dump like marshmallow."""

from datetime import UTC, datetime
from types import SimpleNamespace

import orjson
import pytest
from marshmallow import Schema, fields

from schemas.base import ResponseSchema
from schemas.fast import conversion
from schemas.health import HealthSchema
from schemas.sessions import SessionSchema
from schemas.users import AdministeredUserSchema, UserSchema
from tests.support.notes import NoteSchema

NOON = datetime(2026, 2, 12, 12, 30, 1, 20, tzinfo=UTC)


def as_json(value):
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))


def row(schema):
    """Return a row with a value for each field."""
    values = {name: NOON if name.endswith("_at") else name for name in schema().fields}
    values |= {"priority": 7, "phone": None, "items": [{"text": "a", "count": 1}]}
    return SimpleNamespace(**values, password_hash="secret")


@pytest.mark.parametrize("schema", [AdministeredUserSchema, NoteSchema, SessionSchema, UserSchema])
def test_dump_equals_that_of_marshmallow(schema):
    theirs = as_json(Schema.dump(schema(), row(schema)))

    ours = as_json(schema().dump(row(schema)))

    assert {key: as_text(value) for key, value in ours.items()} == {
        key: as_text(value) for key, value in theirs.items()
    }
    assert "password_hash" not in ours


def as_text(value):
    """Times have two spellings of UTC."""
    return str(value).replace("+00:00", "Z")


def test_data_key_is_used():
    class RenamedSchema(ResponseSchema):
        changed_by = fields.String(data_key="by")

    assert RenamedSchema().dump(SimpleNamespace(changed_by="user_1")) == {"by": "user_1"}


def test_unknown_keys_are_not_dumped():
    class LineSchema(ResponseSchema):
        text = fields.String()

    class ListSchema(ResponseSchema):
        lines = fields.List(fields.Nested(LineSchema))

    listed = ListSchema().dump({"lines": [{"text": "a", "cost": 1}]})

    assert listed == {"lines": [{"text": "a"}]}


def test_null_list_is_dumped_as_an_empty_list():
    class LineSchema(ResponseSchema):
        at = fields.Nested(UserSchema)

    to_list = conversion(fields.List(fields.Nested(LineSchema)))

    assert to_list(None) == []


def test_time_ends_in_z(app):
    with app.app_context():
        body = app.json.dumps(HealthSchema().dump({"status": "", "version": "", "timestamp": NOON}))

    assert '"2026-02-12T12:30:01.000020Z"' in body
