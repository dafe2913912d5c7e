"""Unusual and invalid `Authorization` headers."""

import time
from datetime import timedelta

import pytest
from flask_jwt_extended import create_access_token

from app.http import access

# Of 43 characters of base64 the last has two bits that a decoder drops.
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_signature_that_is_not_canonical_base64_returns_401(as_user):
    token = as_user.tokens["access_token"]
    respelt = token[:-1] + BASE64[BASE64.index(token[-1]) ^ 1]

    response = as_user.get("/api/users/me", headers={"Authorization": f"Bearer {respelt}"})

    assert response.status_code == 401


@pytest.mark.parametrize(
    "header", ["Basic \xff", "Bearer \xff", "Bearer", "\xff", ", ,", ", ,x", " , ,Bearer x"]
)
def test_invalid_header_returns_401(client, header):
    response = client.get("/api/users/me", headers={"Authorization": header})

    assert response.status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer {}, Basic x", "Basic x, Bearer {}", "Bearer\x1c{}", "Bearer {} x", "Bearer, {}"],
)
def test_list_of_credentials_returns_401(app, client, as_user, header):
    """Two parsers could read different credentials."""
    token = as_user.tokens["access_token"]
    app.extensions["verified_tokens"].clear()

    response = client.get("/api/users/me", headers={"Authorization": header.format(token)})

    assert response.status_code == 401
    assert not app.extensions["verified_tokens"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_scheme_is_case_insensitive(client, as_user, scheme):
    token = as_user.tokens["access_token"]

    response = client.get("/api/users/me", headers={"Authorization": f"{scheme} {token}"})

    assert response.status_code == 200


def test_requests_in_one_context_use_their_own_tokens(app, as_user, client):
    with app.app_context():
        assert as_user.get("/api/users/me").status_code == 200
        assert client.get("/api/users/me").status_code == 401


def test_cached_token_is_rejected_when_it_expires(app, client, as_user):
    """Each process caches verified tokens."""
    as_user.get("/api/users/me")
    remembered = app.extensions["verified_tokens"]
    header = f"Bearer {as_user.tokens['access_token']}"
    claims = remembered[header]
    with app.app_context():
        token = create_access_token(claims["sub"], expires_delta=timedelta(seconds=-60))
    remembered[f"Bearer {token}"] = {**claims, "exp": int(time.time()) - 60}

    assert client.get("/api/users/me", headers={"Authorization": header}).status_code == 200
    response = client.get("/api/users/me", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401


def test_number_of_cached_tokens_is_bounded(app, as_user, monkeypatch):
    monkeypatch.setattr(access, "MAX_VERIFIED_TOKENS", 2)

    for _ in range(3):
        refresh = {"refresh_token": as_user.tokens["refresh_token"]}
        as_user.tokens = as_user.post("/api/auth/refresh", json=refresh).json
        as_user.get("/api/users/me")

    assert len(app.extensions["verified_tokens"]) <= 2


def test_body_is_received_after_the_token_is_verified(client):
    too_large = b"x" * (1024 * 1024 + 1)

    response = client.patch("/api/users/me", data=too_large, content_type="application/json")

    assert response.status_code == 401
