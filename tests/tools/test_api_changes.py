"""What is told of two versions of the OpenAPI document, and which changes break a client."""

from copy import deepcopy

import pytest

from tools.api_changes import changes

TEXT = {"type": "string", "maxLength": 9}
DOCUMENT = {
    "info": {"version": "1.2.3"},
    "paths": {
        "/mugs": {
            "parameters": [{"in": "path", "name": "shop", "required": True, "schema": TEXT}],
            "post": {
                "operationId": "makeMug",
                "x-required-scope": "mugs",
                "security": [],
                "parameters": [{"in": "query", "name": "dry", "schema": {"type": "boolean"}}],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/New"}}
                    }
                },
                "responses": {
                    "201": {
                        "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Mug"}}
                        },
                    },
                    "409": {
                        "content": {
                            "application/problem+json": {
                                "schema": {"type": "object"},
                                "examples": {"no-clay": {}},
                            }
                        }
                    },
                },
            },
            "get": {"operationId": "listMugs", "security": [], "responses": {"200": {}}},
        }
    },
    "components": {
        "headers": {"ETag": {"schema": {"type": "string"}}},
        "schemas": {
            "New": {
                "type": "object",
                "required": ["size"],
                "additionalProperties": False,
                "properties": {
                    "size": {"type": "integer", "minimum": 1, "maximum": 5},
                    "colours": {"type": "array", "items": {"enum": ["red", "blue"]}},
                    "text": {**TEXT, "default": ""},
                },
            },
            "Mug": {
                "type": "object",
                "required": ["id", "state"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "state": {"type": "string", "enum": ["wet", "dry"]},
                    "text": {"type": ["string", "null"]},
                },
            },
        },
    },
}
NEW, MUG = "components.schemas.New.", "components.schemas.Mug."
POST = "paths./mugs.post."
GONE = object()
JSON = "content.application/json"

BREAKING = [
    ("paths./mugs.get", GONE, "GET /mugs: is gone"),
    (POST + "operationId", "bakeMug", "`operationId` was makeMug, and is bakeMug"),
    (POST + "x-required-scope", "admin", "`x-required-scope` was mugs, and is admin"),
    (POST + "security", [{"bearer": []}], "wants a token"),
    (POST + "parameters", [], "query parameter `dry` is gone"),
    (POST + "parameters.0.required", True, "query parameter `dry` is required"),
    (POST + "parameters.1", {"in": "query", "name": "x", "required": True, "schema": {}}, "`x` is"),
    (POST + "requestBody", GONE, "the body is gone"),
    (POST + "requestBody.required", True, "the body is required"),
    (POST + "requestBody.content", {"text/csv": {"schema": {}}}, "`application/json` is gone"),
    (POST + "responses.201", GONE, "201 is gone"),
    (POST + "responses.201.headers", {}, "201: header `ETag` is gone"),
    (POST + "responses.409", GONE, "Problems: `no-clay` is gone"),
    (NEW + "properties.text", GONE, "the body: `text` is gone"),
    (NEW + "properties.text.type", "integer", "`text` is no longer string"),
    (NEW + "properties.text.maxLength", 8, "`maxLength` was 9, and is 8"),
    (NEW + "properties.text.minLength", 1, "`minLength` was None, and is 1"),
    (NEW + "properties.text.pattern", "^a", "`pattern` was None, and is ^a"),
    (NEW + "properties.text.enum", ["a"], "`text` is one of a few"),
    (NEW + "properties.text.allOf", [{}], "`allOf` is another"),
    (NEW + "properties.size.maximum", 4, "`maximum` was 5, and is 4"),
    (NEW + "properties.size.minimum", 2, "`minimum` was 1, and is 2"),
    (NEW + "properties.colours.items.enum", ["red"], "is never 'blue'"),
    (NEW + "required", ["size", "text"], "`text` is required"),
    (MUG + "properties.text", GONE, "201: `text` is gone"),
    (MUG + "properties.id.type", ["string", "null"], "`id` may be null"),
    (MUG + "properties.id.format", "date", "`format` was uuid, and is date"),
    (MUG + "properties.state.enum", ["wet", "dry", "broken"], "`state` may be 'broken'"),
    (MUG + "properties.state.enum", GONE, "`state` is any text"),
    (MUG + "required", ["id"], "`state` is optional"),
]
HARMLESS = [
    ("paths./pots", {"get": {"security": [], "responses": {}}}, "GET /pots: is new"),
    (POST + "parameters.1", {"in": "query", "name": "x", "schema": {}}, "parameter `x` is new"),
    (POST + "responses.200", {}, "200 is new"),
    (POST + "responses.404", {}, "404 is new"),
    (POST + "responses.201.headers.Link", {}, "header `Link` is new"),
    ("components.schemas.Pot", {}, "`Pot` is new"),
    (NEW + "additionalProperties", True, None),
    (NEW + "required", [], "`size` is optional"),
    (NEW + "properties.weight", {"type": "integer"}, "`weight` is new"),
    (NEW + "properties.size.type", "number", "`size` may be number"),
    (NEW + "properties.size.maximum", 6, "`maximum` was 5, and is 6"),
    (NEW + "properties.size.minimum", GONE, "`minimum` was 1, and is None"),
    (NEW + "properties.colours.items.enum", ["red", "blue", "grey"], "may be 'grey'"),
    (NEW + "properties.text.default", "x", "left out, it was , and is x"),
    (NEW + "properties.text.description", "Engraved.", None),
    (MUG + "properties.weight", {"type": "integer"}, "`weight` is new"),
    (MUG + "required", ["id", "state", "text"], "`text` is required"),
    (MUG + "properties.text.type", "string", "`text` is no longer null"),
    (MUG + "properties.state.enum", ["wet"], "`state` is never 'dry'"),
    (MUG + "properties.id.pattern", "^a", "`pattern` was None, and is ^a"),
    (MUG + "properties.id.maxLength", 9, "`maxLength` was None, and is 9"),
]


def changed(path, value):
    document = deepcopy(DOCUMENT)
    node, *parts = document, *path.split(".")
    for part in parts[:-1]:
        node = node[int(part) if isinstance(node, list) else part]
    if isinstance(node, list):
        node.insert(int(parts[-1]), value)
    elif value is GONE:
        del node[parts[-1]]
    else:
        node[parts[-1]] = value
    return document


def told(found):
    return [f"{change.where}: {change.what}" for change in found]


@pytest.mark.parametrize(("path", "value", "text"), BREAKING)
def test_change_that_breaks_a_client_is_told_as_such(path, value, text):
    breaking = [change for change in changes(DOCUMENT, changed(path, value)) if change.breaks]

    assert any(text in line for line in told(breaking)), told(breaking)


@pytest.mark.parametrize(("path", "value", "text"), HARMLESS)
def test_change_that_breaks_nobody_is_told_and_no_more(path, value, text):
    found = changes(DOCUMENT, changed(path, value))

    assert [change for change in found if change.breaks] == []
    assert bool(found) == bool(text)
    assert all(text in line for line in told(found))


def test_schema_of_another_name_breaks_generated_clients():
    renamed = deepcopy(DOCUMENT)
    renamed["components"]["schemas"]["Cup"] = renamed["components"]["schemas"].pop("Mug")
    reply = renamed["paths"]["/mugs"]["post"]["responses"]["201"]["content"]["application/json"]
    reply["schema"]["$ref"] = "#/components/schemas/Cup"

    assert told(changes(DOCUMENT, renamed)) == ["Schemas: `Mug` is gone", "Schemas: `Cup` is new"]


def test_nothing_is_told_of_the_same_document():
    assert changes(DOCUMENT, deepcopy(DOCUMENT)) == []
