"""Prepare an OpenAPI document for a comparison: resolve references, and index objects by name."""

from typing import Any

from tools.comparison import Object

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
TAKEN = ("paths", "components", "security")
PROBLEM = "application/problem+json"


def read(document: Object) -> Object:
    """Return the parts of the document that clients depend on: for each part, objects by name."""
    components = document.get("components", {})
    rest = {word: value for word, value in document.items() if word not in TAKEN}
    operations = _operations(document["paths"], document)
    return rest | {
        "openapi": document.get("openapi", "").rpartition(".")[0],
        "servers": dict(enumerate(document.get("servers", [{"url": "/"}]), start=1)),
        "securitySchemes": components.get("securitySchemes", {}),
        "operations": operations,
        "webhooks": _operations(document.get("webhooks", {}), document),
        "schemas": components.get("schemas", {}),
        "problems": {slug: {} for each in operations.values() for _, slug in problems(each)},
    }


def problems(operation: Object) -> set[tuple[str, str]]:
    """Return the status and the type of each problem in the examples of the operation."""
    return {
        (status, example.get("value", {}).get("type", name))
        for status, response in operation["responses"].items()
        for name, example in response.get("content", {})
        .get(PROBLEM, {})
        .get("examples", {})
        .items()
    }


def _operations(items: Object, document: Object) -> dict[str, Object]:
    """Return the operations of paths or webhooks by method and name."""
    return {
        f"{method.upper()} {path}": _operation(_resolved(item, document), method, document)
        for path, item in items.items()
        for method in METHODS
        if method in item
    }


def _operation(item: Object, method: str, document: Object) -> Object:
    """Return the operation with the parameters and security of its path and document."""
    shared = {word: value for word, value in item.items() if word not in METHODS}
    own = {"security": document.get("security", []), "responses": {}} | item[method]
    parameters = [*shared.get("parameters", ()), *own.get("parameters", ())]
    body = own.pop("requestBody", None)
    return (
        shared
        | own
        | {
            "parameters": {f"{p['in']} parameter `{p['name']}`": p for p in parameters},
            "requestBody": {"the body": body} if body else {},
        }
    )


def _resolved(node: Any, document: Object, within: tuple[str, ...] = ()) -> Any:
    """Return the node with its references resolved, except recursive ones."""
    if isinstance(node, list):
        return [_resolved(child, document, within) for child in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference in within:
            return node
        node, within = _target(reference, document) | node, (*within, reference)
    return {word: _resolved(child, document, within) for word, child in node.items()}


def _target(reference: str, document: Object) -> Object:
    target: Any = document
    for part in reference.removeprefix("#/").split("/"):
        target = target[part.replace("~1", "/").replace("~0", "~")]
    return target
