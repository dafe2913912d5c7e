"""API keys for tests: created through the API, and used by a client."""

from typing import Any

from flask import Flask

from models.users import Scope
from tests.support.clients import ApiClient

URL = "/api/api-keys"
KEY_SCOPES = [scope.value for scope in Scope if scope is not Scope.CREDENTIALS]


def new_key(client: ApiClient, *scopes: str, **fields: Any) -> dict[str, Any]:
    """Create a key with a signed-in client, and return the response."""
    body = {"name": "test", "scopes": list(scopes) or ["profile"], **fields}
    response = client.post(URL, json=body)
    assert response.status_code == 201, response.text
    return response.json


def using(app: Flask, key: str) -> ApiClient:
    """Return a client that sends this key."""
    client = ApiClient(app)
    client.tokens = {"access_token": key}
    return client
