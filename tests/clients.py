"""A client that signs in, and that holds every answer against the OpenAPI document."""

from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import User
from tests.factories import PASSWORD


class ApiClient(FlaskClient):
    def __init__(self, app: Flask) -> None:
        super().__init__(app, app.response_class, use_cookies=False)
        self.tokens: dict[str, Any] = {}

    def signed_in(self, user: User) -> "ApiClient":
        answer = self.post("/api/auth/login", json={"email": user.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json
        return self

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request, with the access token if there is one and no `Authorization` is given."""
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
        """An answer that the document doesn't list under its operation is a fault of either."""
        request = response.request
        with self.application.test_request_context(request.path, method=request.method) as context:
            rule = context.request.url_rule
        paths = _paths(self.application.extensions["openapi"])
        path = rule and rule.rule.replace("<", "{").replace(">", "}")
        operation = paths.get(path, {}).get(request.method.lower())
        if operation and response.status_code not in UNIVERSAL:
            assert str(response.status_code) in map(
                str, operation["responses"]
            ), f"{request.method} {path} answers {response.status_code}, undocumented"


@cache
def _paths(spec: Any) -> dict[str, Any]:
    return spec.to_dict()["paths"]


# Any operation can be refused with these; the document has them under `default`.
UNIVERSAL = {405, 413, 415, 429, 500, 503}
