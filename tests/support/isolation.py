"""Checks that a user cannot distinguish rows of another user from rows that do not exist."""

import json
from typing import Any

from werkzeug.test import TestResponse

from tests.support.clients import ApiClient
from tests.support.openapi import operations_of


def check_foreign_like_absent(
    client: ApiClient,
    foreign: dict[str, str],
    absent: dict[str, str],
    bodies: dict[str, Any] | None = None,
) -> int:
    """Check each protected operation whose path has one of the ids; return their number.

    Args:
        foreign: Ids of rows of another user, by the names of the path parameters.
        absent: Ids that no row has, by the same names.
        bodies: Request bodies by operationId, where `{}` is not valid.
    """
    checked = 0
    for operation in operations_of(client.application.extensions["openapi"].to_dict()):
        if operation.public or not any(f"{{{name}}}" in operation.path for name in absent):
            continue
        body = (bodies or {}).get(operation.name, {} if operation.body else None)
        method = operation.method.upper()
        responses = [
            visible(client.open(operation.path.format(**ids), method=method, json=body))
            for ids in (foreign, absent)
        ]
        assert responses[0] == responses[1], operation.name
        checked += 1
    return checked


def visible(response: TestResponse) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return the parts of a response that are the same for two equal requests."""
    headers = {
        name: value
        for name, value in response.headers.items()
        if "RateLimit" not in name and name not in ("X-Request-ID", "Content-Length")
    }
    body = json.loads(response.data)
    body.pop("request_id")
    return response.status_code, headers, body


def check_not_listed(client: ApiClient, foreign: set[str]) -> None:
    """Check that no protected list of the caller contains a value of another user."""
    for operation in operations_of(client.application.extensions["openapi"].to_dict()):
        if operation.method == "get" and "{" not in operation.path and not operation.public:
            shown = client.get(operation.path).text
            assert not [value for value in foreign if value in shown], operation.name
