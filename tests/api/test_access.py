"""Who may call what, for every operation that there is, listed anywhere or not."""

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
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/register"),
}


@dataclass(frozen=True)
class Operation:
    """A method at a rule; `access` is what it declares, or None."""

    method: str
    rule: str
    access: Any

    def call(self, client, ids=None):
        """Call it with `ids` in its URL, by the names of the rule's variables."""
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
    def test_undeclared_method_is_refused_when_the_class_is_made(self):
        with pytest.raises(TypeError, match=r"Forgotten: \['GET'\] need @public or @requires"):

            class Forgotten(Resource):
                def get(self):
                    """No access is declared."""


class TestEveryOperation:
    def test_declares_who_may_call_it(self, app):
        assert [each for each in operations(app) if each.access is None] == []

    def test_anonymous_gets_a_401_with_a_challenge_unless_it_is_public(self, app, client):
        def refused(operation):
            response = operation.call(client)
            return response.status_code == 401 and "WWW-Authenticate" in response.headers

        protected = [each for each in operations(app) if each.access != "public"]

        assert protected
        assert [each for each in protected if not refused(each)] == []

    def test_public_ones_are_listed(self, app):
        public = {(each.method, each.rule) for each in operations(app) if each.access == "public"}

        assert public - PUBLIC == set()

    def test_plain_user_gets_a_403_where_only_an_admin_may(self, app, as_user):
        open_to_users = {"public", *Role.USER.scopes}
        for_admins = [each for each in operations(app) if each.access not in open_to_users]

        assert for_admins
        assert [each for each in for_admins if each.call(as_user).status_code != 403] == []


class TestTwoUsers:
    """Neither reaches what is the other's: to each, it isn't there."""

    @pytest.fixture
    def couple(self, app, session):
        """Two clients, and the ids of a note and a session of each."""
        return [self._with_ids(app, UserFactory()) for _ in range(2)]

    @staticmethod
    def _with_ids(app, user):
        client = ApiClient(app).signed_in(user)
        (session,) = client.get("/api/auth/sessions").json["items"]
        return client, {"note_id": NoteFactory(user_id=user.id).id, "session_id": session["id"]}

    @staticmethod
    def _personal(app):
        """The operations on one note or one session that need a token and no other role."""
        return [
            each
            for each in operations(app)
            if each.access in Role.USER.scopes
            if "<note_id>" in each.rule or "<session_id>" in each.rule
        ]

    def test_what_is_the_others_is_a_404(self, app, couple):
        (one, of_one), (two, of_two) = couple
        pairs = [(one, of_two), (two, of_one)]

        for operation in self._personal(app):
            statuses = [operation.call(client, ids).status_code for client, ids in pairs]
            assert statuses == [404, 404], operation

    def test_ones_own_is_there(self, app, couple):
        (one, of_one), _ = couple
        # Deletions come last, and the end of the session after all others.
        personal = sorted(
            self._personal(app),
            key=lambda each: ("<session_id>" in each.rule, each.method == "DELETE"),
        )

        statuses = {each.call(one, of_one).status_code for each in personal}

        assert len(personal) >= 3
        assert statuses == {200, 204}
