"""Schemas of the OpenAPI document, and their examples, which are valid."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from marshmallow import class_registry
from werkzeug.http import quote_etag

from app.http import etags
from models.base import etag
from schemas.base import CREATED
from tests.support.openapi import SCHEMA_REF, composed, faults, objects, reachable


@pytest.fixture(scope="module")
def schemas(document) -> dict[str, Any]:
    return document["components"]["schemas"]


@pytest.fixture(scope="module")
def accepted(operations, schemas) -> set[str]:
    """Return the names of the request schemas."""
    return reachable([operation.body for operation in operations if operation.body], schemas)


class TestRequests:
    def test_unknown_fields_are_rejected(self, accepted, schemas):
        assert accepted
        for name in accepted:
            if schemas[name]["type"] == "object":
                assert schemas[name]["additionalProperties"] is False, name

    def test_strings_have_a_maximum_length_a_pattern_or_an_enumeration(
        self, accepted, operations, schemas
    ):
        queries = [p["schema"] for op in operations for p in op.parameters if p["in"] == "query"]
        for part in objects([*(schemas[name] for name in accepted), *queries]):
            if "string" in part.get("type", ()):
                bounded = {"maxLength", "pattern", "enum"} & part.keys()
                assert bounded or part["format"] == "date-time", part

    def test_patterns_are_valid_in_json_schema(self, document):
        r"""JSON Schema uses ECMAScript, in which Python's `\Z` is the letter Z."""
        patterns = [part["pattern"] for part in objects(document) if "pattern" in part]
        assert patterns
        assert all(p.startswith("^") and p.endswith("$") and r"\Z" not in p for p in patterns)

    def test_example_of_each_body_is_accepted(self, operations, schemas, document):
        bodies = [operation.body for operation in operations if operation.body]
        assert len(bodies) > 5
        for body in bodies:
            name = body["schema"]["$ref"].removeprefix(SCHEMA_REF)
            shown = body.get("example", composed(body["schema"], schemas))
            for example in (shown, composed(body["schema"], schemas)):
                assert class_registry.get_class(f"{name}Schema")().validate(example) == {}, name
                assert faults(body["schema"], example, document) == [], name

    def test_query_has_no_null_and_no_example_of_a_cursor(self, operations):
        """Docs pages send examples, and cursors become invalid."""
        for operation in operations:
            for parameter in operation.parameters:
                if parameter["in"] == "query":
                    assert isinstance(parameter["schema"]["type"], str)
                    assert parameter["description"]
                if parameter["name"] == "cursor":
                    assert "example" not in {*parameter, *parameter["schema"]}


# They return a 202 before the mail is sent.
WITHOUT_BODY = {"resendVerification", "forgotPassword", "changeEmail"}


class TestResponses:
    def test_response_schemas_allow_more_fields(self, accepted, schemas):
        for name in schemas.keys() - accepted:
            assert "additionalProperties" not in schemas[name], name

    def test_responses_have_a_schema_unless_they_are_empty(self, operations):
        for operation in operations:
            for code, response in operation.successes.items():
                empty = code == "204" or (code == "202" and operation.name in WITHOUT_BODY)
                assert ("content" in response) == (not empty), operation.name
                if "content" in response:
                    assert response["content"].keys() == {"application/json"}

    def test_responses_have_a_valid_example(self, operations, schemas, document):
        for operation in operations:
            for response in operation.doc["responses"].values():
                for media in response.get("content", {}).values():
                    example = media.get("example", composed(media["schema"], schemas))
                    assert faults(media["schema"], example, document) == [], operation.name

    def test_fields_of_responses_are_required_with_few_exceptions(self, accepted, schemas):
        # Only a problem has members that depend on its type.
        for name in schemas.keys() - accepted - {"Problem"}:
            assert schemas[name]["properties"].keys() == set(schemas[name]["required"]), name
        problem = schemas["Problem"]
        assert "errors" in problem["properties"].keys() - set(problem["required"])

    def test_ids_have_no_uuid_format(self, document):
        assert not [part for part in objects(document) if part.get("format") == "uuid"]


class TestFields:
    def test_integers_have_a_minimum_and_a_maximum(self, operations, schemas):
        parts = objects([schemas, *(operation.parameters for operation in operations)])
        integers = [part for part in parts if "integer" in part.get("type", ())]
        assert integers
        for part in integers:
            assert {"minimum", "maximum"} <= part.keys(), part

    def test_nullable_fields_use_the_type_null(self, document, schemas):
        assert not [part for part in objects(document) if "nullable" in part]
        for nullable in (
            schemas["User"]["properties"]["phone"],
            schemas["ProfileChange"]["properties"]["phone"],
            schemas["SessionPage"]["properties"]["next_cursor"],
        ):
            assert nullable["type"] == ["string", "null"]


class TestExamplesAgree:
    def test_example_etag_matches_the_example_row(self):
        made = datetime.fromisoformat(CREATED["example"])
        row = SimpleNamespace(version=1, created_at=made)
        assert etags.ETAG["example"] == quote_etag(etag(row))

    def test_example_link_has_the_cursor_of_the_body(self, operations, schemas):
        lists = [operation for operation in operations if operation.responses_with("Link")]
        assert lists
        for operation in lists:
            response = operation.successes["200"]
            page = composed(response["content"]["application/json"]["schema"], schemas)
            assert f"cursor={page['next_cursor']}>" in response["headers"]["Link"]["example"]
