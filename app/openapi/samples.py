"""Code samples of each operation (`x-codeSamples`): curl, Python and TypeScript."""

import json
import shlex
from collections.abc import Iterable, Iterator
from textwrap import indent
from typing import Any, NamedTuple
from urllib.parse import urlencode

from app.http import idempotency

JSON = "application/json"
# Values of fields without an example, by type.
PLACEHOLDERS = {"string": "string", "integer": 1, "boolean": True}


class Call(NamedTuple):
    """A request with the examples of an operation."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any
    needs_token: bool
    returns_body: bool


def with_samples(document: dict[str, Any], server: str) -> dict[str, Any]:
    """Return the document with samples that send requests to the server."""
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


def samples(request: Call) -> list[dict[str, str]]:
    """Return the samples in the format that ReDoc reads."""
    return [
        {"lang": "Shell", "label": "curl", "source": curl(request)},
        {"lang": "Python", "label": "Python", "source": python(request)},
        {"lang": "TypeScript", "label": "TypeScript", "source": typescript(request)},
    ]


def call(server: str, path: str, method: str, item: dict[str, Any], schemas: Any) -> Call:
    """Return the request that the examples of an operation describe."""
    operation = item[method]
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    examples = {place: dict(_examples(parameters, place)) for place in ("path", "query")}
    query = urlencode(examples["query"])
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    return Call(
        method.upper(),
        server + path.format(**examples["path"]) + (f"?{query}" if query else ""),
        _headers(operation, parameters) | ({"Content-Type": JSON} if content else {}),
        example(content, schemas) if content else None,
        bool(operation["security"]),
        any(
            "content" in response
            for status, response in operation["responses"].items()
            if str(status).startswith("2")
        ),
    )


def example(node: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return the example of a media type, parameter or schema, or compose it from its fields."""
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
    """Return the headers that prevent harm: `Idempotency-Key`, and a required `If-Match`."""
    sent = {idempotency.HEADER}
    if {"428", 428} & operation["responses"].keys():
        sent.add("If-Match")
    return {each["name"]: example(each, {}) for each in parameters if each["name"] in sent}


def curl(request: Call) -> str:
    method = "" if request.method == "GET" else f"-X {request.method} "
    lines = [f"curl --fail-with-body {method}{shlex.quote(request.url)}"]
    if request.needs_token:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    lines += [f"-H {shlex.quote(f'{name}: {text}')}" for name, text in request.headers.items()]
    if request.body is not None:
        text = json.dumps(request.body, indent=2, ensure_ascii=False)
        lines.append(f"-d {shlex.quote(text)}")
    return " \\\n  ".join(lines) + "\n"


def python(request: Call) -> str:
    """Return a script that uses requests."""
    bearer = "f\"Bearer {os.environ['TOKEN']}\""
    # requests sets the content type itself.
    headers = {name: text for name, text in request.headers.items() if name != "Content-Type"}
    arguments = [json.dumps(request.url)]
    if rows := _header_rows(headers, bearer if request.needs_token else ""):
        arguments.append(f"headers={_lines('{', rows, '}')}")
    if request.body is not None:
        arguments.append(f"json={_python(request.body)}")
    sent = _lines("(", [*arguments, "timeout=10"], ")")
    return (
        f"{'import os' if request.needs_token else ''}\n\nimport requests\n\n"
        f"response = requests.{request.method.lower()}{sent}\n"
        "response.raise_for_status()\n"
        f"print({'response.json()' if request.returns_body else 'response.status_code'})\n"
    ).lstrip()


def typescript(request: Call) -> str:
    """Return a module that uses `fetch`."""
    bearer = "`Bearer ${process.env.TOKEN}`"
    options = [] if request.method == "GET" else [f'method: "{request.method}"']
    if rows := _header_rows(request.headers, bearer if request.needs_token else ""):
        options.append(f"headers: {_lines('{', rows, '}', 2)}")
    if request.body is not None:
        body = json.dumps(request.body, indent=2, ensure_ascii=False)
        options.append(f"body: JSON.stringify({body})")
    more = f", {_lines('{', options, '}', 2)}" if options else ""
    return (
        f"const response = await fetch({json.dumps(request.url)}{more});\n"
        "if (!response.ok) throw new Error(await response.text());\n"
        f"console.log({'await response.json()' if request.returns_body else 'response.status'});\n"
    )


def _header_rows(headers: dict[str, str], bearer: str) -> list[str]:
    rows = [f'"Authorization": {bearer}'] if bearer else []
    return rows + [f"{json.dumps(name)}: {json.dumps(text)}" for name, text in headers.items()]


def _python(value: Any) -> str:
    """Return JSON data as a Python literal, one item a line."""
    if isinstance(value, dict):
        rows = [f"{_python(name)}: {_python(each)}" for name, each in value.items()]
        return _lines("{", rows, "}")
    if isinstance(value, list):
        return _lines("[", map(_python, value), "]")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _lines(opening: str, rows: Iterable[str], closing: str, spaces: int = 4) -> str:
    """Return the rows in brackets, indented, one a line."""
    text = ",\n".join(rows) + ","
    return f"{opening}\n{indent(text, ' ' * spaces)}\n{closing}"
