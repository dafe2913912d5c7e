"""Sign-in, sign-out and sessions: /api/auth."""

from dataclasses import replace
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, update

from models.sessions import AuthSession
from models.users import Role
from services import passwords
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD, UserFactory


@pytest.fixture
def elsewhere(app, user) -> ApiClient:
    """Return a client with a second session of `user`."""
    return ApiClient(app).signed_in(user)


@pytest.fixture
def as_other(app, session) -> ApiClient:
    return ApiClient(app).signed_in(UserFactory())


def profile(client):
    return client.get("/api/users/me").status_code


def refresh(client):
    body = {"refresh_token": client.tokens["refresh_token"]}
    return client.post("/api/auth/refresh", json=body).status_code


def session_ids(client):
    return [item["id"] for item in client.get("/api/auth/sessions").json["items"]]


class TestLogin:
    def test_wrong_password_unknown_and_inactive_account_get_the_same_response(self, client, user):
        attempts = [
            {"email": user.email, "password": "wrong"},
            {"email": "unknown@example.com", "password": PASSWORD},
            {"email": UserFactory(is_active=False).email, "password": PASSWORD},
        ]
        headers = {"X-Request-ID": "the-same"}
        responses = [client.post("/api/auth/login", json=a, headers=headers) for a in attempts]

        assert {response.status_code for response in responses} == {401}
        assert all("WWW-Authenticate" in response.headers for response in responses)
        assert len({response.data for response in responses}) == 1

    @pytest.mark.parametrize("password", sorted(passwords.DEMO_PASSWORDS))
    def test_demo_password_is_invalid_in_production(
        self, app, client, session, settings, monkeypatch, password
    ):
        user = UserFactory(password_hash=passwords.hashed(password))
        credentials = {"email": user.email, "password": password}
        assert client.post("/api/auth/login", json=credentials).status_code == 200

        production = replace(settings, flask_env="production")
        monkeypatch.setitem(app.extensions, "settings", production)

        assert client.post("/api/auth/login", json=credentials).status_code == 401

    def test_response_with_tokens_is_not_cached(self, client, user):
        body = {"email": user.email.upper(), "password": PASSWORD}

        response = client.post("/api/auth/login", json=body)

        assert response.status_code == 200
        assert response.json.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert (response.json["token_type"], response.json["expires_in"]) == ("bearer", 1800)
        assert "no-store" in response.headers["Cache-Control"]

    def test_outdated_hash_is_renewed(self, app, session):
        weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
        user = UserFactory(password_hash=weak)

        ApiClient(app).signed_in(user)

        session.refresh(user)
        assert not passwords.outdated(user.password_hash)
        assert passwords.matches(PASSWORD, user.password_hash)

    def test_current_hash_is_kept(self, app, session, user):
        before = user.password_hash

        ApiClient(app).signed_in(user)

        session.refresh(user)
        assert user.password_hash == before


class TestEveryRequest:
    """Changes since the token was issued take effect on the next request."""

    def test_refresh_token_is_not_an_access_token(self, client, as_user):
        bearer = {"Authorization": f"Bearer {as_user.tokens['refresh_token']}"}

        assert client.get("/api/users/me", headers=bearer).status_code == 401

    def test_expired_session_returns_401_for_both_tokens(self, as_user, session):
        past = func.now() - timedelta(seconds=1)
        session.execute(update(AuthSession).values(expires_at=past))
        session.commit()

        assert profile(as_user) == 401
        assert refresh(as_user) == 401

    def test_deactivated_user_returns_401(self, as_user, session, user):
        user.is_active = False
        session.commit()

        assert profile(as_user) == 401

    def test_demoted_admin_returns_403(self, as_admin, session, admin):
        assert as_admin.get("/api/users").status_code == 200
        admin.role = Role.USER
        session.commit()

        assert as_admin.get("/api/users").status_code == 403

    def test_promoted_user_is_allowed(self, as_user, session, user):
        assert as_user.get("/api/users").status_code == 403
        user.role = Role.ADMIN
        session.commit()

        assert as_user.get("/api/users").status_code == 200


class TestLogout:
    def test_anonymous_request_returns_401(self, client):
        assert client.post("/api/auth/logout").status_code == 401

    def test_unknown_selection_returns_422(self, as_user):
        response = as_user.post("/api/auth/logout", json={"sessions": "some"})

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == ["/sessions"]
        assert profile(as_user) == 200

    @pytest.mark.parametrize(
        ("body", "here", "there"),
        [
            ({}, 401, 200),
            ({"json": {}}, 401, 200),
            ({"json": {"sessions": "current"}}, 401, 200),
            ({"json": {"sessions": "all"}}, 401, 401),
            ({"json": {"sessions": "others"}}, 200, 401),
        ],
    )
    def test_logout_ends_only_the_selected_sessions_of_the_user(
        self, as_user, elsewhere, as_other, body, here, there
    ):
        assert as_user.post("/api/auth/logout", **body).status_code == 204

        assert (profile(as_user), profile(elsewhere), profile(as_other)) == (here, there, 200)
        assert (refresh(as_user), refresh(elsewhere), refresh(as_other)) == (here, there, 200)


class TestListSessions:
    def test_anonymous_request_returns_401(self, client):
        assert client.get("/api/auth/sessions").status_code == 401

    def test_list_has_only_own_sessions_newest_first(self, as_user, elsewhere, as_other):
        ids = session_ids(as_user)

        assert len(ids) == 2
        assert ids == sorted(ids, reverse=True)
        assert ids == session_ids(elsewhere)

    def test_ended_and_expired_sessions_are_not_listed(
        self, app, as_user, elsewhere, session, user
    ):
        ApiClient(app).signed_in(user).post("/api/auth/logout")
        newer, older = session_ids(as_user)
        expired = update(AuthSession).where(AuthSession.id == older)
        session.execute(expired.values(expires_at=func.now()))
        session.commit()

        assert session_ids(elsewhere) == [newer]

    def test_session_shows_client_and_times_but_no_secret(self, app, user):
        client = ApiClient(app)
        client.environ_base["HTTP_USER_AGENT"] = "a browser"

        (item,) = client.signed_in(user).get("/api/auth/sessions").json["items"]

        times = {"created_at", "refreshed_at", "expires_at"}
        assert item.keys() == {"id", "ip_address", "user_agent"} | times
        assert (item["ip_address"], item["user_agent"]) == ("127.0.0.1", "a browser")


class TestEndSession:
    def test_anonymous_request_returns_401(self, client, as_user):
        (mine,) = session_ids(as_user)

        assert client.delete(f"/api/auth/sessions/{mine}").status_code == 401

    def test_session_of_another_user_returns_404_and_is_not_ended(self, as_user, as_other):
        (theirs,) = session_ids(as_other)

        assert as_user.delete(f"/api/auth/sessions/{theirs}").status_code == 404
        assert profile(as_other) == 200

    @pytest.mark.parametrize("bad_id", ["nonsense", "session_", "user_01kj6zv8m4f5tbq0c9xn2hd7ea"])
    def test_malformed_id_returns_404(self, as_user, bad_id):
        assert as_user.delete(f"/api/auth/sessions/{bad_id}").status_code == 404

    def test_ended_session_returns_404(self, as_user, elsewhere):
        first, _ = session_ids(as_user)
        as_user.delete(f"/api/auth/sessions/{first}")

        assert as_user.delete(f"/api/auth/sessions/{first}").status_code == 404

    def test_only_this_session_ends(self, as_user, elsewhere):
        newer, older = session_ids(as_user)

        assert as_user.delete(f"/api/auth/sessions/{newer}").status_code == 204
        assert session_ids(as_user) == [older]
        assert profile(elsewhere) == 401
