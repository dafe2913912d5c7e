"""POST /api/auth/refresh: a refresh token can be exchanged once."""

from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from loguru import logger
from sqlalchemy import func, select, update

from app.auth.tokens import successor_id
from models.sessions import AuthSession
from tests.support.clients import ApiClient


@pytest.fixture
def log():
    """Collect the lines that are logged during the test."""
    lines: list[str] = []
    handler = logger.add(lines.append, format="{message}")
    yield lines
    logger.remove(handler)


def refresh(client, token):
    return client.post("/api/auth/refresh", json={"refresh_token": token})


def token_id(token):
    return jwt.decode(token, options={"verify_signature": False})["jti"]


def exchanged(client, token):
    """Exchange `token`, and return the new refresh token."""
    response = refresh(client, token)
    assert response.status_code == 200, response.text
    return response.json["refresh_token"]


def let_pass(session, seconds):
    """Move the times of all refreshes `seconds` into the past."""
    earlier = AuthSession.refreshed_at - timedelta(seconds=seconds)
    session.execute(update(AuthSession).values(refreshed_at=earlier))
    session.commit()


class TestRefresh:
    @pytest.mark.parametrize("body", [{}, {"refresh_token": None}, {"refresh_token": ""}])
    def test_missing_token_returns_422(self, client, body):
        response = client.post("/api/auth/refresh", json=body)

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == ["/refresh_token"]

    def test_malformed_token_returns_401(self, client):
        response = refresh(client, "nonsense")

        assert response.status_code == 401
        assert "WWW-Authenticate" in response.headers

    def test_access_token_returns_401(self, client, as_user):
        assert refresh(client, as_user.tokens["access_token"]).status_code == 401

    def test_returns_new_tokens_of_the_same_session(self, client, as_user):
        sessions = as_user.get("/api/auth/sessions").json["items"]

        response = refresh(client, as_user.tokens["refresh_token"])

        assert response.status_code == 200
        assert response.json.keys() == as_user.tokens.keys()
        assert response.json["refresh_token"] != as_user.tokens["refresh_token"]
        bearer = {"Authorization": f"Bearer {response.json['access_token']}"}
        listed = client.get("/api/auth/sessions", headers=bearer).json["items"]
        assert [item["id"] for item in listed] == [item["id"] for item in sessions]

    def test_refresh_extends_the_session(self, client, as_user, session):
        soon = func.now() + timedelta(minutes=1)
        session.execute(update(AuthSession).values(expires_at=soon))
        session.commit()

        exchanged(client, as_user.tokens["refresh_token"])

        left = session.scalar(select(AuthSession.expires_at - func.now()))
        assert left == timedelta(days=30)

    def test_new_refresh_token_can_be_exchanged(self, client, as_user):
        second = exchanged(client, as_user.tokens["refresh_token"])

        assert exchanged(client, second) not in {second, as_user.tokens["refresh_token"]}


class TestUsedToken:
    def test_second_exchange_within_ten_seconds_returns_the_same_token(
        self, client, as_user, session, log
    ):
        first = as_user.tokens["refresh_token"]
        second = exchanged(client, first)
        let_pass(session, 5)

        response = refresh(client, first)

        assert response.status_code == 200
        assert token_id(response.json["refresh_token"]) == token_id(second)
        assert [line for line in log if "repeated" in line]
        assert not any("reuse" in line for line in log)

    def test_tokens_of_a_repeated_exchange_are_valid(self, client, as_user):
        first = as_user.tokens["refresh_token"]
        exchanged(client, first)
        again = refresh(client, first).json
        bearer = {"Authorization": f"Bearer {again['access_token']}"}

        assert client.get("/api/users/me", headers=bearer).status_code == 200
        assert refresh(client, again["refresh_token"]).status_code == 200

    def test_repeated_exchange_does_not_extend_the_ten_seconds(self, client, as_user, session):
        first = as_user.tokens["refresh_token"]
        exchanged(client, first)
        let_pass(session, 6)
        exchanged(client, first)
        let_pass(session, 5)

        assert refresh(client, first).status_code == 401

    def test_repeated_exchange_of_an_inactive_user_returns_401(
        self, client, as_user, session, user
    ):
        first = as_user.tokens["refresh_token"]
        exchanged(client, first)
        user.is_active = False
        session.commit()

        assert refresh(client, first).status_code == 401

    def test_repeated_exchange_of_an_ended_session_returns_401(self, client, as_user):
        first = as_user.tokens["refresh_token"]
        exchanged(client, first)
        as_user.post("/api/auth/logout")

        assert refresh(client, first).status_code == 401

    def test_repeated_exchange_after_a_key_change_returns_409(
        self, app, client, as_user, settings, monkeypatch
    ):
        first = as_user.tokens["refresh_token"]
        second = exchanged(client, first)
        former = settings.secret_key
        changed = replace(settings, secret_key="k" * 32, secret_key_fallbacks=(former,))
        monkeypatch.setitem(app.extensions, "settings", changed)

        response = refresh(client, first)

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/refresh-superseded"
        assert refresh(client, second).status_code == 200

    def test_successor_cannot_be_computed_without_the_key(self, app, as_user, monkeypatch):
        claims = {"sid": "session_1", "jti": "a"}
        with app.app_context():
            one = successor_id(claims)
            assert one == successor_id(claims)
            assert len({one, *(successor_id(claims | {n: "b"}) for n in claims)}) == 3
            changed = replace(app.extensions["settings"], secret_key="k" * 32)
            monkeypatch.setitem(app.extensions, "settings", changed)
            assert successor_id(claims) != one

    def test_exchange_after_ten_seconds_returns_401_and_ends_the_session(
        self, client, as_user, session
    ):
        first = as_user.tokens["refresh_token"]
        second = exchanged(client, first)
        let_pass(session, 11)

        assert refresh(client, first).status_code == 401

        assert refresh(client, second).status_code == 401
        assert as_user.get("/api/users/me").status_code == 401

    def test_token_before_the_last_one_returns_401_immediately(self, client, as_user):
        first = as_user.tokens["refresh_token"]
        third = exchanged(client, exchanged(client, first))

        assert refresh(client, first).status_code == 401

        assert refresh(client, third).status_code == 401
        assert as_user.get("/api/users/me").status_code == 401

    def test_reuse_is_logged_once(self, client, as_user, session, log):
        first = as_user.tokens["refresh_token"]
        exchanged(client, first)
        let_pass(session, 11)
        assert not any("reuse" in line for line in log)

        refresh(client, first)
        refresh(client, first)

        assert sum("reuse" in line for line in log) == 1

    def test_other_sessions_of_the_user_stay_valid(self, app, client, as_user, session, user):
        elsewhere = ApiClient(app).signed_in(user)
        exchanged(client, as_user.tokens["refresh_token"])
        let_pass(session, 11)

        assert refresh(client, as_user.tokens["refresh_token"]).status_code == 401

        assert elsewhere.get("/api/users/me").status_code == 200
