"""Administration of accounts: /api/users."""

from datetime import UTC, datetime, timedelta

import pytest

from models.users import Role
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD, UserFactory

MALFORMED = ["nonsense", "user_", "session_01kj6zv8m4f5tbq0c9xn2hd7ea", "user_%00", "user_%FF"]


def etag(client, user):
    return client.get(f"/api/users/{user.id}").headers["ETag"]


class TestListUsers:
    def test_anonymous_request_returns_401(self, client):
        assert client.get("/api/users").status_code == 401

    def test_user_without_the_scope_returns_403(self, as_user):
        assert as_user.get("/api/users").status_code == 403

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("role=root", "/role"),
            ("role=", "/role"),
            ("is_active=yes", "/is_active"),
            ("is_active=1", "/is_active"),
            ("email=a@example.com", "/email"),
            ("limit=101", "/limit"),
        ],
    )
    def test_invalid_parameter_returns_422_with_a_pointer(self, as_admin, query, pointer):
        response = as_admin.get(f"/api/users?{query}")

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", {"admin", "user", "inactive"}),
            ("role=admin", {"admin"}),
            ("role=user", {"user", "inactive"}),
            ("is_active=true", {"admin", "user"}),
            ("is_active=false", {"inactive"}),
            ("role=admin&is_active=false", set()),
        ],
    )
    def test_list_is_filtered(self, as_admin, admin, user, query, expected):
        names = {admin.id: "admin", user.id: "user", UserFactory(is_active=False).id: "inactive"}

        items = as_admin.get(f"/api/users?{query}").json["items"]

        assert sorted(names[item["id"]] for item in items) == sorted(expected)

    def test_list_is_sorted_newest_first(self, as_admin):
        start = datetime(2020, 1, 1, tzinfo=UTC)
        made = [
            UserFactory(created_at=start + timedelta(days=n), is_active=False) for n in range(5)
        ]

        pages, url = [], "/api/users?is_active=false&limit=2"
        while url:
            response = as_admin.get(url)
            pages.append([item["id"] for item in response.json["items"]])
            url = response.headers.get("Link", "").removesuffix('>; rel="next"').removeprefix("<")

        ids = [user.id for user in reversed(made)]
        assert pages == [ids[:2], ids[2:4], ids[4:]]


class TestGetUser:
    def test_anonymous_request_returns_401(self, client, user):
        assert client.get(f"/api/users/{user.id}").status_code == 401

    def test_user_without_the_scope_returns_403_for_their_own_account(self, as_user, user):
        assert as_user.get(f"/api/users/{user.id}").status_code == 403

    @pytest.mark.parametrize("bad_id", MALFORMED)
    def test_malformed_id_returns_404(self, as_admin, bad_id):
        assert as_admin.get(f"/api/users/{bad_id}").status_code == 404

    def test_current_etag_returns_304(self, as_admin, user):
        headers = {"If-None-Match": etag(as_admin, user)}

        assert as_admin.get(f"/api/users/{user.id}", headers=headers).status_code == 304

    def test_user_has_is_active_but_no_password(self, as_admin, user):
        response = as_admin.get(f"/api/users/{user.id}")

        assert (response.json["id"], response.json["is_active"]) == (user.id, True)
        profile = {"id", "email", "name", "phone", "role", "email_verified_at", "created_at"}
        assert response.json.keys() == profile | {"is_active", "updated_at"}


class TestUpdateUser:
    def test_anonymous_request_returns_401(self, client, user):
        assert client.patch(f"/api/users/{user.id}", json={"role": "admin"}).status_code == 401

    def test_user_without_the_scope_returns_403_for_their_own_account(self, as_user, user):
        assert as_user.patch(f"/api/users/{user.id}", json={"role": "admin"}).status_code == 403

    @pytest.mark.parametrize("bad_id", MALFORMED)
    def test_malformed_id_returns_404(self, as_admin, bad_id):
        assert as_admin.patch(f"/api/users/{bad_id}", json={"role": "user"}).status_code == 404

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"role": "root"}, "/role"),
            ({"role": None}, "/role"),
            ({"is_active": "false"}, "/is_active"),
            ({"is_active": 0}, "/is_active"),
            ({"name": "Jane"}, "/name"),
            ({"password": PASSWORD}, "/password"),
        ],
    )
    def test_invalid_field_returns_422_with_a_pointer(self, as_admin, user, body, pointer):
        response = as_admin.patch(f"/api/users/{user.id}", json=body)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]

    @pytest.mark.parametrize("change", [{"role": "user"}, {"is_active": False}])
    def test_last_active_admin_returns_409_and_is_unchanged(self, as_admin, admin, change):
        UserFactory(role=Role.ADMIN, is_active=False)

        response = as_admin.patch(f"/api/users/{admin.id}", json=change)

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/last-admin"
        assert as_admin.get("/api/users").status_code == 200

    def test_outdated_if_match_returns_412_and_not_409(self, as_admin, admin):
        old = etag(as_admin, admin)
        as_admin.patch("/api/users/me", json={"name": "Changed"})

        response = as_admin.patch(
            f"/api/users/{admin.id}", json={"role": "user"}, headers={"If-Match": old}
        )

        assert response.status_code == 412

    def test_current_if_match_is_accepted(self, as_admin, user):
        response = as_admin.patch(
            f"/api/users/{user.id}",
            json={"role": "admin"},
            headers={"If-Match": etag(as_admin, user)},
        )

        assert (response.status_code, response.json["role"]) == (200, "admin")
        assert response.headers["ETag"] == etag(as_admin, user)

    def test_one_of_two_admins_can_be_deactivated_or_demoted(self, as_admin, admin):
        UserFactory(role=Role.ADMIN)

        response = as_admin.patch(f"/api/users/{admin.id}", json={"role": "user"})

        assert (response.status_code, response.json["role"]) == (200, "user")
        assert as_admin.get("/api/users").status_code == 403

    def test_last_admin_can_keep_role_and_activity(self, as_admin, admin):
        change = {"role": "admin", "is_active": True}

        assert as_admin.patch(f"/api/users/{admin.id}", json=change).status_code == 200

    def test_deactivation_ends_all_sessions_permanently(self, as_admin, as_user, user):
        path = f"/api/users/{user.id}"

        assert as_admin.patch(path, json={"is_active": False}).json["is_active"] is False
        assert as_user.get("/api/users/me").status_code == 401

        assert as_admin.patch(path, json={"is_active": True}).json["is_active"] is True
        assert as_user.get("/api/users/me").status_code == 401

    def test_reactivated_user_can_sign_in(self, app, as_admin):
        user = UserFactory(is_active=False)

        as_admin.patch(f"/api/users/{user.id}", json={"is_active": True})

        ApiClient(app).signed_in(user)
