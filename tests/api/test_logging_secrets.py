"""Passwords, tokens and personal data are never logged."""

from unittest.mock import Mock

import pytest
from loguru import logger
from sqlalchemy import text

from services.key_format import new_key
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD

STRONG = "0123456789abcdef0123456789abcdef"
PRODUCTION = {
    "flask_env": "production",
    "secret_key": STRONG,
    "allowed_hosts": ("localhost",),
    "log_level": "INFO",
}


class TestSecrets:
    @pytest.fixture(params=["production", "development"])
    def client(self, request, make_app, capsys):
        changes = {"production": PRODUCTION, "development": {"flask_env": "development"}}
        return ApiClient(make_app(**{**changes[request.param], "log_level": "DEBUG"}))

    def test_passwords_and_tokens_are_never_logged(self, client, user, capsys):
        secrets = ["wrong-hunter2", PASSWORD]
        client.post("/api/auth/login", json={"email": user.email, "password": secrets[0]})
        secrets += client.signed_in(user).tokens["access_token"].split(".")[1:]
        for _ in range(3):
            old = client.tokens["refresh_token"]
            secrets += old.split(".")[1:]
            response = client.post("/api/auth/refresh", json={"refresh_token": old})
            client.tokens = response.json if response.status_code == 200 else client.tokens
        client.post("/api/auth/register", json={"email": "x", "password": "short-hunter2"})
        client.post("/api/auth/login?password=query-hunter2", data="hunter2{")
        written = capsys.readouterr()

        assert "POST" in written.err
        assert "hunter2" not in written.err + written.out
        assert not [secret for secret in secrets if secret in written.err + written.out]

    def test_traceback_has_no_variables(self, client, user, monkeypatch, capsys):
        def verify_password(account, password, *_):
            credentials = {"password": password}
            raise KeyError(len(credentials))

        monkeypatch.setattr("services.sign_in.verify_password", verify_password)
        credentials = {"email": user.email, "password": PASSWORD}
        assert client.post("/api/auth/login", json=credentials).status_code == 500
        written = capsys.readouterr().err

        assert "raise KeyError(len(credentials))" in written
        assert PASSWORD not in written
        assert user.email not in written

    def test_database_error_has_no_values(self, client, monkeypatch, capsys):
        monkeypatch.setattr("services.passwords.hashed", lambda _: "hunter2" * 100)
        body = {"email": "unknown@example.com", "password": PASSWORD}
        assert client.post("/api/auth/register", json=body).status_code == 500
        written = capsys.readouterr().err

        assert "StringDataRightTruncation" in written
        assert "hunter2" not in written
        assert "unknown@example.com" not in written

    def test_constraint_violation_has_no_row(self, client, user, during_get, capsys):
        during_get(lambda session: session.execute(text("UPDATE users SET role = 'king'")))
        assert client.get("/api/notes/abc").status_code == 500
        written = capsys.readouterr().err

        assert "ck_users_role_known" in written
        assert user.email not in written
        assert user.password_hash not in written


class TestKeys:
    """API keys, and secrets of webhooks."""

    @pytest.fixture(params=["production", "development"])
    def client(self, request, make_app, capsys):
        changes = {"production": PRODUCTION, "development": {"flask_env": "development"}}
        return ApiClient(make_app(**{**changes[request.param], "log_level": "INFO"}))

    @pytest.fixture(
        params=[new_key(), "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD+/=="],
        ids=["API key", "secret of a webhook"],
    )
    def secret(self, request):
        return request.param

    def test_exception_has_none(self, client, user, monkeypatch, capsys, secret):
        error = RuntimeError(f"with {secret}.")
        monkeypatch.setattr("services.users.update_profile", Mock(side_effect=error))

        response = client.signed_in(user).patch("/api/users/me", json={"name": "x"})
        written = capsys.readouterr().err

        assert response.status_code == 500
        assert f"RuntimeError: with {secret.partition('_')[0]}_***." in written
        assert secret not in written

    def test_message_and_its_values_have_none(self, client, capsys, secret):
        logger.bind(value=secret).warning("with {}", secret)
        written = capsys.readouterr().err

        assert written.count("_***") == 2
        assert secret not in written
