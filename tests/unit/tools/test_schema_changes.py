"""Changes of a JSON schema that break requests or responses."""

from copy import deepcopy

import pytest

from tools.comparison import Direction
from tools.schema_changes import schema_changes

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
CLOSED = {"properties": {"a": TEXT}, "additionalProperties": False}


def having(**properties):
    return {"properties": properties}


# Before, after, breaks requests, breaks responses; reversed, the last two are swapped.
NARROWED = [
    ({}, TEXT),
    ({"type": ["string", "null"]}, TEXT),
    ({"type": "number"}, NUMBER),
    ({"type": "string"}, {"type": "string", "enum": ["a"]}),
    ({"enum": ["a", "b"]}, {"enum": ["a"]}),
    ({"enum": ["a", "b"]}, {"const": "a"}),
    ({}, {"const": None}),
    ({}, {"pattern": "^a"}),
    ({}, {"maximum": 5}),
    ({"maximum": 5}, {"maximum": 4}),
    ({"exclusiveMaximum": 5}, {"exclusiveMaximum": 4}),
    ({"maxLength": 5}, {"maxLength": 4}),
    ({"maxItems": 5}, {"maxItems": 4}),
    ({"maxProperties": 5}, {"maxProperties": 4}),
    ({"minimum": 0}, {"minimum": 1}),
    ({}, {"minimum": 0}),
    ({"exclusiveMinimum": 0}, {"exclusiveMinimum": 1}),
    ({}, {"minLength": 1}),
    ({"minItems": 1}, {"minItems": 2}),
    ({"minProperties": 1}, {"minProperties": 2}),
    ({"multipleOf": 5}, {"multipleOf": 10}),
    ({}, {"uniqueItems": True}),
    (having(a=TEXT), having(a=TEXT) | {"required": ["a"]}),
    ({"items": {"maximum": 5}}, {"items": {"maximum": 4}}),
    ({}, {"items": TEXT}),
    ({}, {"additionalProperties": TEXT}),
    ({"allOf": [{}, {"maximum": 5}]}, {"allOf": [{}, {"maximum": 4}]}),
    ({"anyOf": [TEXT, {"maximum": 5}]}, {"anyOf": [TEXT, {"maximum": 4}]}),
]
OTHERS = [
    (TEXT, NUMBER, True, True),
    ({"enum": ["a"]}, {"enum": ["b"]}, True, True),
    ({"pattern": "^a"}, {"pattern": "^b"}, True, True),
    ({"multipleOf": 5}, {"multipleOf": 7}, True, True),
    ({"exclusiveMinimum": 0}, {"minimum": 0}, True, True),
    ({"format": "uuid"}, {"format": "date"}, True, True),
    ({}, {"format": "date-time"}, True, True),
    ({"allOf": [TEXT]}, {"allOf": [TEXT, {"maxLength": 5}]}, True, True),
    ({"oneOf": [TEXT]}, {"oneOf": [TEXT, NUMBER]}, True, True),
    ({"not": TEXT}, {"not": NUMBER}, True, True),
    ({}, {"patternProperties": {"^x": TEXT}}, True, True),
    ({}, {"contentEncoding": "base64"}, True, True),
    ({}, {"readOnly": True}, True, True),
    # Generated clients name their types after the titles.
    ({}, {"title": "Purchase"}, True, True),
    ({"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}, True, True),
    # A new default changes requests that omit the value, and no response.
    ({"default": 20}, {"default": 50}, True, False),
    ({"default": 20}, {}, True, False),
    (having(a={}), having(a={"default": 1}), True, False),
    # A required value was never omitted.
    (having(a=TEXT) | {"required": ["a"]}, having(a=TEXT | {"default": ""}), False, True),
    (having(a=TEXT), having(), True, True),
    (having(a=TEXT) | {"required": ["a"]}, having(), True, True),
    # Clients ignore unknown fields.
    (having(a=TEXT), having(a=TEXT, b=NUMBER), False, False),
    (having(), having(a=TEXT) | {"required": ["a"]}, True, False),
    (CLOSED, CLOSED | {"additionalProperties": True}, False, False),
    (CLOSED, having(a=TEXT), False, False),
    (having(a=TEXT), CLOSED, True, False),
    (having(title=TEXT), having(title=NUMBER), True, True),
    (having(a=TEXT), having(a=TEXT | {"maxLength": 5}), True, False),
]
SAME = [
    (TEXT, TEXT | {"description": "A text.", "x-order": 1}),
    (TEXT, TEXT | {"example": "a", "examples": ["b"], "deprecated": True, "$comment": "c"}),
    (TEXT, {"type": ["string"]}),
    ({"type": ["string", "null"]}, {"type": ["null", "string"]}),
    ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    ({"enum": ["a"]}, {"const": "a"}),
    ({"required": ["a", "b"]}, {"required": ["b", "a"]}),
    ({}, {"required": [], "uniqueItems": False, "minLength": 0, "additionalProperties": True}),
    ({"anyOf": [TEXT]}, {"anyOf": [TEXT | {"description": "A text."}]}),
    ({"additionalProperties": False}, {"additionalProperties": False}),
    ({"items": True}, {"items": {}}),
]


def breaks(old, new, direction):
    return any(
        breaks_client
        for _, breaks_client in schema_changes(deepcopy(old), deepcopy(new), direction)
    )


@pytest.mark.parametrize(("wide", "narrow"), NARROWED)
class TestNarrowed:
    def test_narrowed_schema_breaks_only_requests(self, wide, narrow):
        assert breaks(wide, narrow, Direction.ACCEPTED)
        assert not breaks(wide, narrow, Direction.RETURNED)

    def test_widened_schema_breaks_only_responses(self, wide, narrow):
        assert not breaks(narrow, wide, Direction.ACCEPTED)
        assert breaks(narrow, wide, Direction.RETURNED)


@pytest.mark.parametrize(("old", "new", "breaks_requests", "breaks_responses"), OTHERS)
def test_change_breaks_requests_or_responses(old, new, breaks_requests, breaks_responses):
    assert breaks(old, new, Direction.ACCEPTED) == breaks_requests
    assert breaks(old, new, Direction.RETURNED) == breaks_responses


@pytest.mark.parametrize(("old", "new"), SAME)
@pytest.mark.parametrize("direction", Direction)
def test_equivalent_schemas_have_no_changes(old, new, direction):
    assert list(schema_changes(old, new, direction)) == []
    assert list(schema_changes(new, old, direction)) == []


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (having(a=TEXT), having(a=NUMBER), "`a`: is never `string`"),
        ({"maximum": 5}, {"maximum": 4}, "`maximum` was 5, and is 4"),
        ({}, {"maximum": 4}, "`maximum` was not set, and is 4"),
        ({"items": {"enum": ["a", "b"]}}, {"items": {"enum": ["a"]}}, "each: is never `b`"),
        (having(a=TEXT), having(a=TEXT) | {"required": ["a"]}, "`a` is required"),
        ({}, {"additionalProperties": False}, "any other: is refused"),
        ({}, {"not": {"enum": ["long"] * 20}}, "`not` has changed"),
    ],
)
def test_change_is_reported_with_its_place(old, new, text):
    assert (text, True) in schema_changes(old, new, Direction.ACCEPTED)
