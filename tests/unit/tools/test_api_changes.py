"""Breaking and compatible changes between two OpenAPI documents."""

from copy import deepcopy

import pytest

from tools.api_changes import changes

TEXT = {"type": "string", "maxLength": 9}
TOKEN = [{"bearer": []}]
PROBLEM = "application/problem+json"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"version": "1.2.3"},
    "servers": [{"url": "/", "description": "Here."}],
    "paths": {
        "/mugs": {
            "parameters": [{"in": "path", "name": "shop", "required": True, "schema": TEXT}],
            "post": {
                "operationId": "makeMug",
                "tags": ["mugs"],
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
                        "links": {"mug": {"operationId": "listMugs"}},
                    },
                    "409": {"content": {PROBLEM: {"examples": {"no-clay": {}, "no-heat": {}}}}},
                    "default": {"content": {PROBLEM: {"examples": {"late": {}}}}},
                },
            },
            "get": {
                "operationId": "listMugs",
                "x-required-scope": "mugs",
                "security": TOKEN,
                "responses": {
                    "200": {},
                    "401": {"content": {PROBLEM: {"examples": {"no-token": {}}}}},
                    "403": {"content": {PROBLEM: {"examples": {"no-right": {}}}}},
                },
            },
            "put": {"security": TOKEN, "responses": {"401": {"$ref": "#/components/responses/No"}}},
        }
    },
    "components": {
        "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
        "responses": {"No": {"content": {PROBLEM: {"examples": {"no-token": {}}}}}},
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "New": {
                "type": "object",
                "required": ["size"],
                "properties": {"size": {"type": "integer", "minimum": 1}},
            },
            "Mug": {
                "type": "object",
                "properties": {
                    "text": {"type": ["string", "null"]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Mug"}},
                },
            },
        },
    },
}
POST, GET = "paths /mugs post ", "paths /mugs get "
SCHEMAS = "components schemas "
MADE, REFUSED = POST + "responses 201 ", POST + f"responses 409 content {PROBLEM} examples "
GONE = object()

BREAKING = [
    ("paths /mugs get", GONE, "GET /mugs is gone"),
    ("servers 0 url", "/v2", "server 1: `url` was /, and is /v2"),
    ("servers", [{"url": "/v2"}, {"url": "/"}], "server 1: `url` was /, and is /v2"),
    ("servers", [], "server 1 is gone"),
    ("paths /mugs servers", [{"url": "/v2"}], "POST /mugs: `servers` was not set, and is"),
    ("openapi", "3.2.0", "`openapi` was 3.1, and is 3.2"),
    ("components securitySchemes", {}, "security scheme `bearer` is gone"),
    ("components securitySchemes bearer scheme", "basic", "`bearer`: `scheme` was bearer"),
    ("security", TOKEN, "POST /mugs: `security` was [], and is [{'bearer': []}]"),
    (POST + "security", TOKEN, "POST /mugs: `security` was [], and is [{'bearer': []}]"),
    (GET + "security", [{"key": []}], "GET /mugs: `security` was"),
    (GET + "security", [{"bearer": [], "key": []}], "GET /mugs: `security` was"),
    (GET + "security", [{"bearer": ["admin"]}], "GET /mugs: `security` was"),
    (GET + "x-required-scope", "admin", "`x-required-scope` was mugs, and is admin"),
    (POST + "x-required-scope", "admin", "`x-required-scope` was not set, and is admin"),
    (POST + "operationId", "bakeMug", "`operationId` was makeMug, and is bakeMug"),
    (POST + "tags", ["cups"], "`tags` was ['mugs'], and is ['cups']"),
    (POST + "callbacks", {"made": {}}, "`callbacks` was not set"),
    ("paths /mugs parameters", [], "path parameter `shop` is gone"),
    (POST + "parameters", [], "query parameter `dry` is gone"),
    (POST + "parameters 0 required", True, "query parameter `dry`: `required` was False"),
    (POST + "parameters 0 style", "deepObject", "query parameter `dry`: `style` was not set"),
    (POST + "parameters 0 explode", False, "query parameter `dry`: `explode` was not set"),
    (POST + "parameters 0 schema default", True, "`dry`: `default` was not set, and is True"),
    (POST + "parameters 0 schema", {"type": "string"}, "`dry`: is never `boolean`"),
    (POST + "parameters 1", {"in": "query", "name": "x", "required": True}, "`x` is new"),
    (POST + "requestBody", GONE, "the body is gone"),
    (GET + "requestBody", {"required": True, "content": {}}, "GET /mugs: the body is new"),
    (POST + "requestBody required", True, "the body: `required` was False, and is True"),
    (POST + "requestBody content", {"text/csv": {}}, "the body: `application/json` is gone"),
    (SCHEMAS + "New properties size minimum", 2, "`application/json`: `size`: `minimum` was 1"),
    (MADE[:-1], GONE, "POST /mugs: 201 is gone"),
    (POST + "responses 202", {}, "POST /mugs: 202 is new"),
    (POST + "responses 303", {}, "POST /mugs: 303 is new"),
    (POST + "responses default", GONE, "POST /mugs: default is gone"),
    (MADE + "headers", {}, "201: header `ETag` is gone"),
    ("components headers ETag schema type", "integer", "header `ETag`: may be `integer`"),
    ("components headers ETag required", False, "header `ETag`: `required` was True"),
    (MADE + "content", {}, "201: `application/json` is gone"),
    (MADE + "content application/json schema", GONE, "201: `application/json`: `$ref` was"),
    (MADE + "links", {}, "201: link `mug` is gone"),
    (MADE + "links mug operationId", "makeMug", "link `mug`: `operationId` was listMugs"),
    (REFUSED + "no-clay", GONE, "POST /mugs: 409: problem `no-clay` is gone"),
    (REFUSED + "late", {}, "POST /mugs: 409: problem `late` is new"),
    (REFUSED + "no-clay", {"value": {"type": "/no-mud"}}, "409: problem `no-clay` is gone"),
    (POST + "responses 409", GONE, "problem `no-clay` is gone"),
    (GET + "responses 401", GONE, "GET /mugs: 401: problem `no-token` is gone"),
    (SCHEMAS + "Mug properties text", GONE, "201: `application/json`: `text` is gone"),
    (SCHEMAS + "Mug properties parts items", {}, "`parts`: each: `$ref` was #/components"),
]
HARMLESS = [
    ("paths /pots", {"get": {"responses": {}}}, "GET /pots is new"),
    ("servers 1", {"url": "/v2"}, "server 2 is new"),
    ("servers 0 description", "There.", None),
    ("openapi", "3.1.1", None),
    ("tags", [{"name": "mugs"}], None),
    ("info description", "Of clay.", None),
    ("security", [], None),
    ("components securitySchemes key", {"type": "apiKey"}, "security scheme `key` is new"),
    ("components securitySchemes bearer bearerFormat", "JWT", None),
    ("components headers Link", {}, None),
    (SCHEMAS + "Pot", {}, "schema `Pot` is new"),
    (GET + "security", [], "GET /mugs: `security` was [{'bearer': []}], and is []"),
    (GET + "security", [{"key": []}, *TOKEN], "GET /mugs: `security` was"),
    (GET + "security", [{}, *TOKEN], "GET /mugs: `security` was"),
    (GET + "x-required-scope", GONE, "`x-required-scope` was mugs, and is not set"),
    (POST + "x-codegen", "mug", None),
    (POST + "summary", "Make a mug", None),
    (POST + "deprecated", True, None),
    (POST + "parameters 1", {"in": "query", "name": "x", "schema": {}}, "parameter `x` is new"),
    (POST + "parameters 0 description", "Of the shop.", None),
    ("paths /mugs parameters 0 schema default", "a", None),
    (GET + "requestBody", {"content": {}}, "GET /mugs: the body is new"),
    (POST + "requestBody content text/csv", {}, "the body: `text/csv` is new"),
    (POST + "responses 304", {}, "304 is new"),
    (POST + "responses 404", {}, "404 is new"),
    (MADE + "description", "Made.", None),
    (MADE + "headers Link", {}, "header `Link` is new"),
    (MADE + "links all", {}, "link `all` is new"),
    (MADE + "content application/json example", {}, None),
    (REFUSED + "no-glaze", {}, "problem `no-glaze` is new"),
]


def changed(*edits):
    document = deepcopy(DOCUMENT)
    for path, value in edits:
        node, parts = document, path.split()
        for part in parts[:-1]:
            node = node[int(part) if isinstance(node, list) else part]
        if isinstance(node, list):
            node.insert(int(parts[-1]), value)
        elif value is GONE:
            del node[parts[-1]]
        else:
            node[parts[-1]] = value
    return document


def texts(found):
    return [change.what for change in found]


@pytest.mark.parametrize(("path", "value", "text"), BREAKING)
def test_breaking_change_is_reported_as_such(path, value, text):
    breaking = [change for change in changes(DOCUMENT, changed((path, value))) if change.breaks]

    assert any(text in line for line in texts(breaking)), texts(breaking)


@pytest.mark.parametrize(("path", "value", "text"), HARMLESS)
def test_compatible_change_is_reported_as_such(path, value, text):
    found = changes(DOCUMENT, changed((path, value)))

    assert [change for change in found if change.breaks] == []
    assert bool(found) == bool(text)
    assert all(text in line for line in texts(found))


def test_removed_authentication_is_compatible():
    public = [(GET + "security", []), (GET + "x-required-scope", GONE)]
    unasked = [(GET + "responses 401", GONE)]

    found = changes(DOCUMENT, changed(*public, *unasked))

    assert [change for change in found if change.breaks] == []
    assert "GET /mugs: 401 is gone" in texts(found)


def test_removed_problem_type_is_reported():
    gone = changed((REFUSED + "no-clay", GONE), (REFUSED + "no-mud", {}))

    assert "problem `no-clay` is gone" in texts(changes(DOCUMENT, gone))


def test_schema_of_another_name_breaks_generated_clients():
    renamed = changed((SCHEMAS + "Old", DOCUMENT["components"]["schemas"]["New"]))
    body = renamed["paths"]["/mugs"]["post"]["requestBody"]["content"]["application/json"]
    body["schema"]["$ref"] = "#/components/schemas/Old"

    found = changes(DOCUMENT, renamed)

    assert [change.breaks for change in found] == [True, False]
    assert "`$ref` was #/components/schemas/New" in found[0].what


def test_same_document_has_no_changes():
    assert changes(DOCUMENT, deepcopy(DOCUMENT)) == []


def test_reference_equals_its_inlined_schema():
    inlined = changed((MADE + "headers ETag", DOCUMENT["components"]["headers"]["ETag"]))

    assert changes(DOCUMENT, inlined) == []
