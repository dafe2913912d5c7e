"""Test client that signs in, and checks every response against the OpenAPI document."""

from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.errors.http_errors import MEDIA_TYPE, TYPE_PREFIX
from app.http.responses import DEFAULTS
from models.users import User
from tests.support.factories import PASSWORD


class ApiClient(FlaskClient):
    def __init__(self, app: Flask) -> None:
        super().__init__(app, app.response_class, use_cookies=False)
        self.tokens: dict[str, Any] = {}

    def signed_in(self, user: User) -> "ApiClient":
        response = self.post("/api/auth/login", json={"email": user.email, "password": PASSWORD})
        assert response.status_code == 200, response.text
        self.tokens = response.json
        return self

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request; add the access token unless the caller sets `Authorization`."""
        headers = dict(kwargs.pop("headers", None) or {})
        if self.tokens:
            headers.setdefault("Authorization", f"Bearer {self.tokens['access_token']}")
        response = super().open(*args, headers=headers, **kwargs)
        self._check_documented(response)
        if response.status_code >= 400:
            assert response.mimetype == "application/problem+json", response.text
            assert response.json["status"] == response.status_code
            assert response.json["request_id"] == response.headers["X-Request-ID"]
        return response

    def _check_documented(self, response: TestResponse) -> None:
        """Fail if the document does not list the response under its operation."""
        request = response.request
        with self.application.test_request_context(request.path, method=request.method) as context:
            rule = context.request.url_rule
        paths = _paths(self.application.extensions["openapi"])
        path = rule and rule.rule.replace("<", "{").replace(">", "}")
        operation = paths.get(path, {}).get(request.method.lower())
        if operation:
            refused = undocumented(operation, response)
            assert not refused, f"{request.method} {path}, {response.status}: {refused}"


@cache
def _paths(spec: Any) -> dict[str, Any]:
    return {
        path: {
            method: {str(status): each for status, each in operation["responses"].items()}
            for method, operation in item.items()
            if method != "parameters"
        }
        for path, item in spec.to_dict()["paths"].items()
    }


def undocumented(responses: dict[str, Any], response: TestResponse) -> set[str]:
    """Return the undocumented parts of a response: the status, the problem type, headers."""
    status = str(response.status_code)
    if status not in responses and response.status_code < 400:
        return {status}
    documented = responses.get(status, responses["default"])
    headers = {name.lower() for name in (*documented.get("headers", {}), *UNIVERSAL)}
    refused = {name for name, _ in response.headers if name.lower() not in headers}
    if response.status_code >= 400:
        slug = response.json["type"].removeprefix(TYPE_PREFIX)
        refused |= {slug} - documented["content"][MEDIA_TYPE]["examples"].keys()
    return refused


# Headers of all responses, which only the general description of the document mentions.
FOR_BROWSERS = {"Cache-Control", "Strict-Transport-Security", *DEFAULTS}
# OpenAPI documents the content type outside `headers`.
UNIVERSAL = {"Content-Length", "Content-Type", *FOR_BROWSERS}
