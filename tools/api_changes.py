"""What has changed between two versions of the OpenAPI document, and whether it breaks a client.

docs/decisions/0020-what-breaks-a-client.md says what counts as a break, and why.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tools.schema_changes import Direction, schema_changes

METHODS = ("get", "put", "post", "delete", "patch")


class Change(NamedTuple):
    where: str
    what: str
    breaks: bool


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """All changes from one document to the next that a client can notice."""
    before, after = _operations(old), _operations(new)
    found = [Change(at, "is gone", True) for at in before if at not in after]
    found += [Change(at, "is new", False) for at in after if at not in before]
    for at in before.keys() & after.keys():
        found += [Change(at, *change) for change in _of_operation(before[at], after[at])]
    found += [Change("Schemas", *change) for change in _of_names(old, new, "schemas")]
    found += [
        Change("Problems", *change) for change in _of_keys(_types(old), _types(new), breaks=True)
    ]
    return sorted(found, key=lambda change: (not change.breaks, change))


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The operations by method and path, with the parameters of their path, and nothing by name."""
    return {
        f"{method.upper()} {path}": _resolved(
            {**item[method], "parameters": [*item.get("parameters", ()), *_own(item[method])]},
            document,
        )
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def _own(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return operation.get("parameters", [])


def _resolved(node: Any, document: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolved(child, document) for child in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return {key: _resolved(child, document) for key, child in node.items()}


Found = Iterator[tuple[str, bool]]


def _of_operation(old: dict[str, Any], new: dict[str, Any]) -> Found:
    for name in ("operationId", "x-required-scope"):
        if old.get(name) != new.get(name):
            yield f"`{name}` was {old.get(name)}, and is {new.get(name)}", True
    if not old["security"] and new["security"]:
        yield "wants a token", True
    yield from _of_parameters(_parameters(old), _parameters(new))
    yield from _of_body(old.get("requestBody"), new.get("requestBody"))
    yield from _of_responses(old["responses"], new["responses"])


def _parameters(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{p['in']} parameter `{p['name']}`": p for p in operation["parameters"]}


def _of_parameters(old: dict[str, Any], new: dict[str, Any]) -> Found:
    yield from ((f"{at} is gone", True) for at in old if at not in new)
    for at, parameter in new.items():
        required = parameter.get("required", False)
        if at not in old:
            yield f"{at} is new{', and required' if required else ''}", required
            continue
        if required and not old[at].get("required"):
            yield f"{at} is required", True
        yield from schema_changes(at, old[at]["schema"], parameter["schema"], Direction.ACCEPTED)


def _of_body(old: dict[str, Any] | None, new: dict[str, Any] | None) -> Found:
    if old is None or new is None:
        if old != new:
            required = bool(new and new.get("required"))
            yield f"the body is {'gone' if new is None else 'new'}", new is None or required
        return
    if new.get("required") and not old.get("required"):
        yield "the body is required", True
    yield from _of_content("the body", old["content"], new["content"], Direction.ACCEPTED)


def _of_responses(old: dict[str, Any], new: dict[str, Any]) -> Found:
    for status in old.keys() - new.keys():
        yield f"{status} is gone", status.startswith("2")
    for status in new.keys() - old.keys():
        yield f"{status} is new", False
    for status in old.keys() & new.keys():
        before, after = old[status], new[status]
        headers = before.get("headers", {}), after.get("headers", {})
        yield from ((f"{status}: header {text}", hurts) for text, hurts in _of_keys(*headers))
        content = before.get("content", {}), after.get("content", {})
        yield from _of_content(str(status), *content, Direction.RETURNED)


def _of_content(at: str, old: dict[str, Any], new: dict[str, Any], direction: Direction) -> Found:
    for text, hurts in _of_keys(old, new):
        yield f"{at}: {text}", hurts
    for media in old.keys() & new.keys():
        yield from schema_changes(at, old[media]["schema"], new[media]["schema"], direction)


def _of_names(old: dict[str, Any], new: dict[str, Any], kind: str) -> Found:
    """Generated clients call their types after the schemas."""
    yield from _of_keys(old["components"].get(kind, {}), new["components"].get(kind, {}))


def _of_keys(old: dict[str, Any], new: dict[str, Any], breaks: bool = True) -> Found:
    yield from ((f"`{name}` is gone", breaks) for name in old if name not in new)
    yield from ((f"`{name}` is new", False) for name in new if name not in old)


def _types(document: dict[str, Any]) -> dict[str, None]:
    """The types of problems; one that is gone from all operations is one that was renamed."""
    return {
        slug: None
        for operation in _operations(document).values()
        for response in operation["responses"].values()
        for slug in response.get("content", {})
        .get("application/problem+json", {})
        .get("examples", {})
    }
