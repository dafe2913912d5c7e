"""Authentication and authorization of every operation."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from app.http.operation import operation_of
from app.http.resource import Resource
from models.users import Role
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.notes import NoteFactory

# All operations that need no token. A new public operation must be added here, so that none is
# public by mistake; the test accepts entries of resources that were deleted.
PUBLIC = {
    ("GET", "/api/"),
    ("GET", "/api/account/<action>"),
    ("GET", "/api/docs"),
    ("GET", "/api/docs/guides"),
    ("GET", "/api/docs/guides/<slug>"),
    ("GET", "/api/docs/guides/<slug>.md"),
    ("GET", "/api/docs/search"),
    ("GET", "/api/health"),
    ("GET", "/api/health/live"),
    ("GET", "/api/health/ready"),
    ("GET", "/api/notes"),
    ("GET", "/api/notes/<note_id>"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/problems"),
    ("GET", "/api/problems/<slug>"),
    ("GET", "/api/products"),
    ("GET", "/api/products/<product_id>"),
    ("GET", "/api/redoc"),
    ("GET", "/llms.txt"),
    ("POST", "/api/auth/confirm-email"),
    ("POST", "/api/auth/forgot-password"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/login/second-factor"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/reset-password"),
    ("POST", "/api/auth/verify-email"),
}


@dataclass(frozen=True)
class Operation:
    """A method of a URL rule; `access` is its declaration, or None."""

    method: str
    rule: str
    access: Any

    def call(self, client, ids=None):
        """Send the request, with `ids` in the URL by the names of the rule's variables."""
        url = re.sub(r"<(\w+)>", lambda name: (ids or {}).get(name[1], "absent"), self.rule)
        body = {} if self.method in {"PATCH", "POST"} else None
        return client.open(url, method=self.method, json=body)


def operations(app: Flask) -> list[Operation]:
    return [
        Operation(method, rule.rule, access(app, rule.endpoint, method))
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
    ]


def access(app: Flask, endpoint: str, method: str) -> Any:
    view = getattr(app.view_functions[endpoint], "view_class", None)
    return operation_of(getattr(view, method.lower(), None)).access


class TestResource:
    def test_class_with_an_undeclared_method_raises_an_error(self):
        with pytest.raises(TypeError, match=r"Forgotten: \['GET'\] need @public or @requires"):

            class Forgotten(Resource):
                def get(self):
                    """No access is declared."""


class TestEveryOperation:
    def test_each_operation_declares_its_access(self, app):
        assert [each for each in operations(app) if each.access is None] == []

    def test_anonymous_request_of_a_private_operation_returns_401_with_a_challenge(
        self, app, client
    ):
        def refused(operation):
            response = operation.call(client)
            return response.status_code == 401 and "WWW-Authenticate" in response.headers

        protected = [each for each in operations(app) if each.access != "public"]

        assert protected
        assert [each for each in protected if not refused(each)] == []

    def test_public_operations_are_listed(self, app):
        public = {(each.method, each.rule) for each in operations(app) if each.access == "public"}

        assert public - PUBLIC == set()

    def test_user_of_an_admin_operation_gets_403(self, app, as_user):
        open_to_users = {"public", *Role.USER.scopes}
        for_admins = [each for each in operations(app) if each.access not in open_to_users]

        assert for_admins
        assert [each for each in for_admins if each.call(as_user).status_code != 403] == []


class TestTwoUsers:
    """Resources of another user are a 404."""

    @pytest.fixture
    def couple(self, app, session):
        """Return two clients, and the ids of a note and a session of each."""
        return [self._with_ids(app, UserFactory()) for _ in range(2)]

    @staticmethod
    def _with_ids(app, user):
        client = ApiClient(app).signed_in(user)
        (session,) = client.get("/api/auth/sessions").json["items"]
        return client, {"note_id": NoteFactory(user_id=user.id).id, "session_id": session["id"]}

    @staticmethod
    def _personal(app):
        """Return the operations on one note or session that any user may call."""
        return [
            each
            for each in operations(app)
            if each.access in Role.USER.scopes
            if "<note_id>" in each.rule or "<session_id>" in each.rule
        ]

    def test_resource_of_another_user_returns_404(self, app, couple):
        (one, of_one), (two, of_two) = couple
        pairs = [(one, of_two), (two, of_one)]

        for operation in self._personal(app):
            statuses = [operation.call(client, ids).status_code for client, ids in pairs]
            assert statuses == [404, 404], operation

    def test_own_resource_is_found(self, app, couple):
        (one, of_one), _ = couple
        # Deletions come last, and the end of the session after all others.
        personal = sorted(
            self._personal(app),
            key=lambda each: ("<session_id>" in each.rule, each.method == "DELETE"),
        )

        statuses = {each.call(one, of_one).status_code for each in personal}

        assert len(personal) >= 3
        assert statuses == {200, 204}
