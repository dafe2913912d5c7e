"""Queries on the OpenAPI document."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from app.errors.http_errors import MEDIA_TYPE

SCHEMA_REF = "#/components/schemas/"


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    doc: dict[str, Any]
    parameters: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.doc["operationId"]

    @property
    def public(self) -> bool:
        return self.doc["security"] == []

    def takes(self, place: str, name: str) -> bool:
        return any(p["in"] == place and p["name"] == name for p in self.parameters)

    def responses_with(self, header: str) -> bool:
        return any(header in response.get("headers", {}) for response in self.successes.values())

    @property
    def successes(self) -> dict[str, Any]:
        return {code: doc for code, doc in self.doc["responses"].items() if code.startswith("2")}

    @property
    def errors(self) -> dict[str, Any]:
        return {code: doc for code, doc in self.doc["responses"].items() if code[0] in "45d"}

    @property
    def error_examples(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for code, doc in self.errors.items():
            for example in doc["content"][MEDIA_TYPE]["examples"].values():
                yield code, example["value"]

    @property
    def body(self) -> dict[str, Any] | None:
        body = self.doc.get("requestBody")
        return body and body["content"]["application/json"]


def operations_of(document: dict[str, Any]) -> list[Operation]:
    return [
        Operation(path, method, doc, doc.get("parameters", []) + item.get("parameters", []))
        for path, item in document["paths"].items()
        for method, doc in item.items()
        if method != "parameters"
    ]


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all JSON objects in `node`, including itself."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, (dict, list)):
            yield from objects(child)


def reachable(node: Any, schemas: dict[str, Any]) -> set[str]:
    """Return the names of the schemas that `node` refers to, directly or indirectly."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        refs = {part.get("$ref", "") for part in objects(waiting.pop())}
        new = {ref.removeprefix(SCHEMA_REF) for ref in refs if ref.startswith(SCHEMA_REF)} - found
        found |= new
        waiting += [schemas[name] for name in new]
    return found


def composed(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return the example of a schema, or compose it from the examples of its fields."""
    if "$ref" in schema:
        return composed(schemas[schema["$ref"].removeprefix(SCHEMA_REF)], schemas)
    if "example" in schema:
        return schema["example"]
    if schema["type"] == "array":
        return [composed(schema["items"], schemas)]
    assert schema["type"] == "object", f"no example: {schema}"
    return {name: composed(field, schemas) for name, field in schema["properties"].items()}


def faults(schema: dict[str, Any], value: Any, document: dict[str, Any]) -> list[str]:
    checked = {**schema, "components": document["components"]}
    validator = Draft202012Validator(checked, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
