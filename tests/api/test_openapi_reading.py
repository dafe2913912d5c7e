"""Descriptions, examples and links in the OpenAPI document are complete."""

from importlib.util import find_spec
from typing import Any

import pytest
from werkzeug.utils import import_string

import resources
from models.users import Scope
from tests.support.clients import FOR_BROWSERS
from tests.support.openapi import faults
from tests.support.servers import ROOT


@pytest.fixture(scope="module")
def properties(document) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{name}.{field}", schema)
        for name, parent in document["components"]["schemas"].items()
        for field, schema in parent.get("properties", {}).items()
    ]


@pytest.fixture(scope="module")
def headers(document, operations) -> list[tuple[str, dict[str, Any]]]:
    responses = [response for op in operations for response in op.doc["responses"].values()]
    named = [pair for response in responses for pair in response["headers"].items()]
    return [
        (name, header if "$ref" not in header else document["components"]["headers"][name])
        for name, header in named
    ]


def is_sentence(text: str) -> bool:
    return (text[0].isupper() and text.endswith(".")) or text[0] == "`"


class TestFields:
    def test_have_a_description(self, properties):
        assert [at for at, schema in properties if not is_sentence(schema["description"])] == []

    def test_fields_have_an_example_or_consist_of_fields_with_one(self, properties):
        without = [schema for _, schema in properties if "example" not in schema]
        assert all("$ref" in schema or "$ref" in schema["items"] for schema in without)

    def test_examples_of_fields_are_valid(self, properties, document):
        for at, schema in properties:
            if "example" in schema:
                assert faults(schema, schema["example"], document) == [], at

    def test_ids_and_times_have_a_pattern_or_format(self, properties):
        for at, schema in properties:
            name = at.split(".")[1]
            if name in ("id", "request_id") or name.endswith("_id"):
                assert "pattern" in schema, at
            if name == "timestamp" or name.endswith("_at"):
                assert schema["format"] == "date-time", at

    def test_integers_have_a_format(self, properties):
        for at, schema in properties:
            if "integer" in schema.get("type", ()):
                assert schema["format"] == ("int32" if schema["maximum"] < 2**31 else "int64"), at


class TestHeaders:
    def test_headers_have_a_description_and_a_valid_example(self, headers, document):
        assert len({name for name, _ in headers}) > 8
        for name, header in headers:
            assert header["description"].endswith("."), name
            assert faults(header["schema"], header["example"], document) == [], name

    def test_common_headers_are_on_every_response(self, operations):
        for operation in operations:
            for response in operation.doc["responses"].values():
                assert "X-Request-ID" in response["headers"]
                counted = not operation.path.startswith("/api/health")
                assert ("X-RateLimit-Remaining" in response["headers"]) == counted

    def test_exposed_headers_are_in_the_guide_to_conventions(self):
        guide = (ROOT / "docs" / "consumers" / "conventions.md").read_text()
        assert all(f"`{name}`" in guide for name in FOR_BROWSERS)


class TestParameters:
    def test_have_a_description(self, operations):
        for operation in operations:
            for parameter in operation.parameters:
                assert parameter["description"].endswith("."), parameter

    def test_parameters_have_a_valid_example(self, operations, document):
        """Without an example, Postman's importer fills in placeholders."""
        for operation in operations:
            for parameter in operation.parameters:
                schema = parameter["schema"]
                shown = schema | parameter
                examples = shown.get("examples", [shown.get("example")])
                assert examples
                for example in examples:
                    assert faults(schema, example, document) == [], parameter["name"]

    def test_optional_parameters_use_examples_instead_of_example(self, operations):
        """Swagger UI sends an `example` by default, but not the values of `examples`."""
        for operation in operations:
            for parameter in operation.parameters:
                sent = "example" in {**parameter["schema"], **parameter}
                assert sent == (parameter["in"] == "path" or parameter["name"] == "limit")

    def test_first_example_of_if_match_matches_every_version(self, operations):
        shown = [p for op in operations for p in op.parameters if p["name"] == "If-Match"]
        assert shown
        assert all(parameter["schema"]["examples"][0] == "*" for parameter in shown)


class TestTags:
    def test_tags_have_the_configured_order(self, document):
        names = [tag["name"] for tag in document["tags"]]
        modules = [name for name in resources.ORDER if find_spec(f"resources.{name}")]
        listed = [import_string(f"resources.{name}:blp").name for name in modules]
        assert names[: len(listed)] == listed
        assert names[:2] == ["auth", "users"]

    def test_tags_have_a_description(self, document):
        for tag in document["tags"]:
            assert is_sentence(tag["description"].strip())


class TestOperations:
    def test_operations_have_a_description(self, operations):
        for operation in operations:
            text, _, access = operation.doc["description"].partition("\n\n**Access:** ")
            assert is_sentence(text), operation.name
            public = operation.doc["security"] == []
            assert access.startswith("public" if public else "requires the scope `")

    def test_operations_name_an_existing_scope(self, operations):
        for operation in operations:
            public = operation.doc["security"] == []
            assert public == ("x-required-scope" not in operation.doc)
            assert public or Scope(operation.doc["x-required-scope"])

    def test_operations_have_links(self, operations):
        links = {
            operation.name: list(response.get("links", ()))
            for operation in operations
            for response in operation.successes.values()
        }
        assert links["register"] == ["login"]
        assert links["login"] == ["refresh"]
        known = {operation.name for operation in operations}
        assert known >= {name for targets in links.values() for name in targets}

    def test_links_have_no_request_body_because_of_openapi_generator(self, operations):
        links = [
            link
            for operation in operations
            for response in operation.successes.values()
            for link in response.get("links", {}).values()
        ]
        assert links
        assert all(isinstance(link.get("requestBody", ""), str) for link in links)

    def test_links_to_a_body_name_the_values_of_its_fields(self, operations):
        links = {
            name: link["description"]
            for operation in operations
            for response in operation.successes.values()
            for name, link in response.get("links", {}).items()
        }
        assert "`email` from `$request.body#/email`" in links["login"]
        assert "`refresh_token` from `$response.body#/refresh_token`" in links["refresh"]

    def test_links_describe_their_values(self, operations):
        for operation in operations:
            for response in operation.successes.values():
                for link in response.get("links", {}).values():
                    assert is_sentence(link["description"])


class TestDocument:
    def test_document_explains_how_to_get_a_token(self, document):
        for scheme in document["components"]["securitySchemes"].values():
            assert "/api/auth/login" in scheme["description"]

    def test_document_explains_safe_retries(self, document):
        assert "(/api/docs/guides/retries) with an `Idempotency-Key`" in (
            document["info"]["description"]
        )

    def test_examples_of_errors_are_named_by_their_type(self, operations):
        for operation in operations:
            for response in operation.errors.values():
                for name, example in response["content"]["application/problem+json"][
                    "examples"
                ].items():
                    assert example["value"]["type"] == f"/api/problems/{name}"
