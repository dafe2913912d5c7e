"""Rate limits of registration and of other operations that take a password."""

from app.auth.limits import NAMES
from tests.support.openapi import objects, reachable

HERE, THERE = {"REMOTE_ADDR": "203.0.113.1"}, {"REMOTE_ADDR": "203.0.113.2"}


class TestRegistration:
    def test_counts_an_address(self, limited):
        client = limited(rate_limit_register="2 per hour")
        statuses = [
            client.post("/api/auth/register", json={}, environ_base=HERE).status_code
            for _ in range(3)
        ]

        assert statuses == [422, 422, 429]
        assert client.post("/api/auth/register", json={}, environ_base=THERE).status_code == 422


class TestPasswords:
    """Each operation that takes a password has a limit of its own."""

    def test_password_change_counts_an_account_in_all_its_sessions(self, limited, user, admin):
        client = limited(rate_limit_password="2 per minute")
        body = {"current_password": "wrong", "new_password": "another battery staple"}

        def change():
            return client.put("/api/users/me/password", json=body).status_code

        statuses = [change()]
        client.signed_in(user)
        statuses += [change()]
        client.signed_in(user)
        statuses += [change(), change()]
        client.signed_in(admin)

        assert statuses == [401, 422, 422, 429]
        assert change() == 422

    def test_each_operation_with_a_password_has_its_own_limit(
        self, limited, document, operations, as_user
    ):
        strict = dict.fromkeys(
            (f"rate_limit_{name}" for name in NAMES if name != "default"), "2 per minute"
        )
        client = limited(**strict)
        client.tokens = as_user.tokens
        schemas = document["components"]["schemas"]
        secret = [
            (operation.path, operation.method)
            for operation in operations
            for name in reachable(operation.body or {}, schemas)
            if any(part.get("format") == "password" for part in objects(schemas[name]))
        ]
        third = {
            (path, method): [client.open(path, method=method, json={}) for _ in range(3)][-1]
            for path, method in secret
        }

        assert len(third) == 6
        assert {response.status_code for response in third.values()} == {429}
