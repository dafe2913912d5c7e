"""Profile and password of the current user: /api/users/me."""

import pytest

from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD

NEW_PASSWORD = "another battery staple"


def profile(client):
    return client.get("/api/users/me").status_code


def etag(client):
    return client.get("/api/users/me").headers["ETag"]


class TestGetProfile:
    def test_anonymous_request_returns_401(self, client):
        response = client.get("/api/users/me")

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_profile_has_the_fields_of_the_user(self, as_user, user):
        response = as_user.get("/api/users/me")

        assert response.status_code == 200
        assert response.json == {
            "id": user.id,
            "email": user.email,
            "email_verified_at": "2026-01-01T00:00:00Z",
            "name": user.name,
            "phone": None,
            "role": "user",
            "created_at": user.created_at.isoformat().replace("+00:00", "Z"),
        }

    def test_profile_is_not_cached(self, as_user):
        assert "private" in as_user.get("/api/users/me").headers["Cache-Control"]

    def test_current_etag_returns_304_without_a_body(self, as_user):
        response = as_user.get("/api/users/me", headers={"If-None-Match": etag(as_user)})

        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == etag(as_user)

    def test_outdated_etag_returns_200(self, as_user):
        old = etag(as_user)
        as_user.patch("/api/users/me", json={"name": "Jane Roe"})

        response = as_user.get("/api/users/me", headers={"If-None-Match": old})

        assert response.status_code == 200
        assert response.headers["ETag"] != old


class TestUpdateProfile:
    def test_anonymous_request_returns_401(self, client):
        assert client.patch("/api/users/me", json={"name": "Jane Doe"}).status_code == 401

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"phone": "1234567890"}, "/phone"),
            ({"phone": "+0234567890"}, "/phone"),
            ({"phone": "+1"}, "/phone"),
            ({"phone": "+1234567890123456"}, "/phone"),
            ({"phone": "+1234567890\n"}, "/phone"),
            ({"phone": "+١٢٣٤٥٦٧٨٩٠"}, "/phone"),
            ({"phone": ""}, "/phone"),
            ({"name": "n" * 201}, "/name"),
            ({"name": None}, "/name"),
            ({"email": "new@example.com"}, "/email"),
            ({"role": "admin"}, "/role"),
            ({"is_active": True}, "/is_active"),
        ],
    )
    def test_invalid_field_returns_422_and_changes_nothing(self, as_user, body, pointer):
        before = as_user.get("/api/users/me").json

        response = as_user.patch("/api/users/me", json={"name": "Jane Doe", **body})

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]
        assert as_user.get("/api/users/me").json == before

    def test_outdated_if_match_returns_412_and_changes_nothing(self, as_user):
        old = etag(as_user)
        as_user.patch("/api/users/me", json={"name": "First"})

        response = as_user.patch(
            "/api/users/me", json={"name": "Second"}, headers={"If-Match": old}
        )

        assert response.status_code == 412
        assert as_user.get("/api/users/me").json["name"] == "First"

    def test_current_if_match_changes_the_name(self, as_user):
        response = as_user.patch(
            "/api/users/me", json={"name": "Jane"}, headers={"If-Match": etag(as_user)}
        )

        assert (response.status_code, response.json["name"]) == (200, "Jane")
        assert response.headers["ETag"] == etag(as_user)

    def test_phone_can_be_set_and_removed(self, as_user, user):
        response = as_user.patch("/api/users/me", json={"phone": "+1234567890"})
        assert (response.json["phone"], response.json["name"]) == ("+1234567890", user.name)

        response = as_user.patch("/api/users/me", json={"phone": None})
        assert (response.json["phone"], response.json["name"]) == (None, user.name)
        assert as_user.get("/api/users/me").json == response.json


class TestChangePassword:
    def test_anonymous_request_returns_401(self, client):
        body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}

        assert client.put("/api/users/me/password", json=body).status_code == 401

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"current_password": "wrong"}, "/current_password"),
            ({"current_password": ""}, "/current_password"),
            ({"current_password": None}, "/current_password"),
            ({"new_password": "7 chars"}, "/new_password"),
            ({"new_password": "x" * 129}, "/new_password"),
            ({"new_password": "PassWord1"}, "/new_password"),
        ],
    )
    def test_invalid_field_returns_422_and_keeps_the_password(
        self, app, as_user, user, body, pointer
    ):
        elsewhere = ApiClient(app).signed_in(user)
        good = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}

        response = as_user.put("/api/users/me/password", json=good | body)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]
        assert profile(elsewhere) == 200
        ApiClient(app).signed_in(user)

    def test_setting_requires_a_longer_password(self, make_app, user):
        """A shorter password that is in use still signs in."""
        client = ApiClient(make_app(password_min_length=64)).signed_in(user)
        body = {"current_password": PASSWORD, "new_password": "ﬁ" * 31}
        account = {"email": "new@example.com", "password": "x" * 63}
        responses = [
            client.put("/api/users/me/password", json=body),
            client.post("/api/auth/register", json=account),
        ]

        assert [response.status_code for response in responses] == [422, 422]
        assert [each.json["errors"][0]["pointer"] for each in responses] == [
            "/new_password",
            "/password",
        ]
        longer = {**body, "new_password": "ﬁ" * 32}  # 64 characters in NFKC
        assert client.put("/api/users/me/password", json=longer).status_code == 204

    def test_password_change_ends_only_the_other_sessions(self, app, as_user, user):
        elsewhere = ApiClient(app).signed_in(user)
        body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}

        assert as_user.put("/api/users/me/password", json=body).status_code == 204

        assert (profile(as_user), profile(elsewhere)) == (200, 401)

    def test_only_the_new_password_is_valid(self, as_user, client, user):
        body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        as_user.put("/api/users/me/password", json=body)

        def login(password):
            credentials = {"email": user.email, "password": password}
            return client.post("/api/auth/login", json=credentials).status_code

        assert (login(PASSWORD), login(NEW_PASSWORD)) == (401, 200)
