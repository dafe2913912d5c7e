"""Code samples of each operation (`x-codeSamples`) in curl, Python and TypeScript."""

import json
import shlex
from collections.abc import Iterator
from functools import partial
from pprint import pformat
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader

from app.http import idempotency

JSON = "application/json"
# Values of fields without an example, by type.
PLACEHOLDERS = {"string": "string", "integer": 1, "boolean": True}
TEMPLATES = {"Shell": "curl.txt", "Python": "python.txt", "TypeScript": "typescript.txt"}

templates = Environment(  # noqa: S701 (the samples are no HTML)
    loader=PackageLoader("app", "templates/samples"),
    trim_blocks=True,
    keep_trailing_newline=True,
)
templates.filters["quote"] = shlex.quote
templates.filters["json"] = partial(json.dumps, indent=2, ensure_ascii=False)
templates.filters["literal"] = partial(pformat, width=120, sort_dicts=False)


def with_samples(document: dict[str, Any], server: str) -> dict[str, Any]:
    """Return the OpenAPI document with code samples; their requests go to the URL `server`."""
    schemas = document.get("components", {}).get("schemas", {})
    paths = {
        path: {
            method: (
                {**part, "x-codeSamples": samples(call(server, path, method, item, schemas))}
                if method != "parameters"
                else part
            )
            for method, part in item.items()
        }
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths}


def samples(request: dict[str, Any]) -> list[dict[str, str]]:
    """Return the samples in the format that ReDoc reads."""
    return [
        {
            "lang": language,
            "label": "curl" if language == "Shell" else language,
            "source": templates.get_template(template).render(request),
        }
        for language, template in TEMPLATES.items()
    ]


def call(server: str, path: str, method: str, item: dict[str, Any], schemas: Any) -> dict[str, Any]:
    """Return the example request of an operation, as variables of the templates."""
    operation = item[method]
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    examples = {place: dict(_examples(parameters, place)) for place in ("path", "query")}
    query = urlencode(examples["query"])
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    responses = operation["responses"].items()
    successes = [response for status, response in responses if str(status).startswith("2")]
    return {
        "method": method.upper(),
        "url": server + path.format(**examples["path"]) + (f"?{query}" if query else ""),
        "headers": _headers(operation, parameters),
        "body": example(content, schemas) if content else None,
        "needs_token": bool(operation["security"]),
        "returns_body": any("content" in response for response in successes),
    }


def example(node: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return the example of a media type, parameter or schema, or build one from its fields."""
    if "$ref" in node:
        return example(schemas[node["$ref"].rpartition("/")[2]], schemas)
    if "example" in node:
        return node["example"]
    if "examples" in node:
        return node["examples"][-1]
    if "schema" in node:
        return example(node["schema"], schemas)
    if "items" in node:
        return [example(node["items"], schemas)]
    if "properties" in node:
        return {name: example(field, schemas) for name, field in node["properties"].items()}
    return node.get("default", PLACEHOLDERS.get(str(node.get("type"))))


def _examples(parameters: list[dict[str, Any]], place: str) -> Iterator[tuple[str, str]]:
    for parameter in parameters:
        # A sample reads the first page, which needs no cursor.
        if parameter["in"] == place and parameter["name"] != "cursor":
            value = example(parameter, {})
            yield parameter["name"], value if isinstance(value, str) else json.dumps(value)


def _headers(operation: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, str]:
    """Return the headers `Idempotency-Key` and, if required, `If-Match`."""
    sent = {idempotency.HEADER}
    if {"428", 428} & operation["responses"].keys():
        sent.add("If-Match")
    return {each["name"]: example(each, {}) for each in parameters if each["name"] in sent}
