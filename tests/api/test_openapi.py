"""The OpenAPI document is valid, complete and correct."""

import json
import re
import warnings
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app import create_app
from app.auth.quotas import TooManyRequests
from app.errors import handlers as problems
from app.errors.http_errors import MEDIA_TYPE, TYPE_PREFIX, RangeNotSatisfiable
from app.http.operation import Operation as Declaration
from app.openapi.problem_pages import kinds
from tests.support.openapi import SCHEMA_REF, Operation, faults, operations_of, reachable


@pytest.fixture(scope="module")
def declared(shipped) -> dict[str, Declaration]:
    """Return the declarations of the operations, by operationId."""
    found = {}
    for rule in shipped.url_map.iter_rules():
        view = getattr(shipped.view_functions[rule.endpoint], "view_class", None)
        for method, declaration in view.operations.items() if view else ():
            doc = getattr(getattr(view, method.lower()), "_apidoc", {}).get("manual_doc", {})
            found[doc.get("operationId")] = declaration
    return found


def names(operations: list[Operation], which: Any) -> set[str]:
    return {operation.name for operation in operations if which(operation)}


class TestDocument:
    def test_has_no_default_responses_of_flask_smorest(self, document):
        assert document["components"].keys() == {"schemas", "securitySchemes", "headers"}

    def test_document_has_no_unused_schema(self, document):
        schemas = document["components"]["schemas"]
        assert reachable(document["paths"], schemas) == schemas.keys()

    def test_is_openapi_3_1(self, document):
        assert document["openapi"].startswith("3.1.")
        assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []

    def test_document_is_generated_without_warnings(self, settings):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            create_app(settings).extensions["openapi"].to_dict()


class TestErrors:
    def test_each_operation_documents_errors_as_problem_documents(self, operations):
        for operation in operations:
            assert len(operation.errors) > 1
            for error in operation.errors.values():
                assert error["content"].keys() == {MEDIA_TYPE}
                assert error["content"][MEDIA_TYPE]["schema"] == {"$ref": f"{SCHEMA_REF}Problem"}
                assert error["content"][MEDIA_TYPE]["examples"]

    def test_examples_match_their_status_and_schema(self, operations, document):
        for operation in operations:
            for code, example in operation.error_examples:
                assert code in (str(example["status"]), "default"), operation.name
                assert faults({"$ref": f"{SCHEMA_REF}Problem"}, example, document) == []

    def test_all_problem_types_except_that_of_files_are_documented(self, app):
        operations = operations_of(app.extensions["openapi"].to_dict())
        examples = [example for op in operations for _, example in op.error_examples]
        slugs = {example["type"].removeprefix(TYPE_PREFIX) for example in examples}
        assert kinds().keys() - slugs == {RangeNotSatisfiable.slug}
        assert slugs <= kinds().keys()

    @pytest.mark.parametrize(
        ("how", "slug"),
        [
            ({"environ_overrides": {"QUERY_STRING": "a=\xff"}}, "malformed-query"),
            ({"headers": {"Connection": "Upgrade", "Upgrade": "websocket"}}, "bad-request"),
            ({"query_string": "colour=red"}, "invalid-input"),
        ],
    )
    def test_every_operation_documents_the_common_errors(self, as_admin, operations, how, slug):
        for operation in operations:
            # The test client checks that it is documented.
            response = as_admin.open(operation.path, method=operation.method.upper(), **how)
            assert response.json["type"] == TYPE_PREFIX + slug, operation.name

    def test_example_of_invalid_input_has_a_pointer(self, operations):
        examples = [example for op in operations for _, example in op.error_examples]
        assert all(ex["errors"] for ex in examples if ex["type"].endswith("/invalid-input"))

    def test_example_of_too_many_requests_matches_the_limiter(self, app, operations):
        with app.test_request_context():
            real = json.loads(problems.from_problem(TooManyRequests("default", 1)).data)
        for operation in operations:
            default = operation.doc["responses"]["default"]["content"][MEDIA_TYPE]
            shown = default["examples"]["too-many-requests"]["value"]
            assert {**shown, "request_id": ""} == real

    def test_only_private_operations_require_a_token(self, operations):
        assert {"register", "login", "refresh"} < names(operations, lambda op: op.public)
        for operation in operations:
            unauthenticated = "unauthenticated" in str(operation.doc["responses"].get("401"))
            assert unauthenticated == (not operation.public)
            forbidden = "/problems/forbidden" in str(operation.doc["responses"].get("403"))
            assert forbidden == (not operation.public)

    def test_errors_document_their_headers(self, operations):
        always = {
            "401": {"WWW-Authenticate": True},
            "503": {"Retry-After": True},
            "default": {"Allow": False, "Retry-After": False},
        }
        for operation in operations:
            for code, error in operation.errors.items():
                in_flight = "request-in-flight" in error["content"][MEDIA_TYPE]["examples"]
                sometimes = {"Retry-After": False} if in_flight else {}
                own = {name: of for name, of in error["headers"].items() if "$ref" not in of}
                required = {name: of["required"] for name, of in own.items()}
                assert required == always.get(code, sometimes), (operation.name, code)


class TestOperations:
    def test_operations_have_a_unique_id_a_summary_and_a_tag(self, operations, document):
        tags = {tag["name"] for tag in document["tags"]}
        assert len({operation.name for operation in operations}) == len(operations)
        for operation in operations:
            assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", operation.name)
            assert operation.doc["summary"].endswith(".")
            assert len(operation.doc["tags"]) == 1
            assert tags.issuperset(operation.doc["tags"])

    def test_path_parameters_are_described(self, operations):
        for operation in operations:
            in_path = [p for p in operation.parameters if p["in"] == "path"]
            assert [p["name"] for p in in_path] == re.findall("{(.*?)}", operation.path)
            assert all(p["description"] and p["example"] and p["required"] for p in in_path)

    def test_headers_and_parameters_are_documented_where_supported(self, operations, declared):
        for op in operations:
            it = declared[op.name]
            reads = it.etag and op.method == "get"
            # A POST with a body creates, so there is no version yet.
            writes = it.etag and not reads and not (op.method == "post" and it.body)
            assert op.takes("header", "Idempotency-Key") == it.idempotent, op.name
            assert op.takes("header", "If-Match") == writes == ("412" in op.errors), op.name
            assert op.takes("header", "If-None-Match") == reads, op.name
            assert ("304" in op.doc["responses"]) == reads, op.name
            assert op.takes("query", "cursor") == op.takes("query", "limit") == it.paginated
            assert op.responses_with("Link") == it.paginated, op.name
            assert op.responses_with("ETag") == (it.etag and "204" not in op.successes), op.name
            assert op.responses_with("Location") == bool(it.location), op.name
            assert op.responses_with("Idempotency-Replayed") == it.idempotent, op.name

    def test_each_kind_of_operation_has_its_headers(self, operations):
        by_name = {operation.name: operation for operation in operations}

        assert by_name["getProfile"].takes("header", "If-None-Match")
        assert by_name["getProfile"].responses_with("ETag")
        assert by_name["updateProfile"].takes("header", "If-Match")
        assert by_name["listSessions"].takes("query", "cursor")
        assert by_name["listSessions"].responses_with("Link")
        assert by_name["register"].responses_with("Location")
