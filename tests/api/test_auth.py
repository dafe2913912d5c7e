"""Verification of access tokens and refresh tokens."""

import base64
import dataclasses
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from app.auth.tokens import AUDIENCE, ISSUER, REQUIRED_CLAIMS, key_id
from tests.conftest import SECRET_KEY

ME = "/api/users/me"
REFRESH = "/api/auth/refresh"
ABSENT = 'Bearer realm="api"'
INVALID = 'Bearer realm="api", error="invalid_token"'
OTHER_KEY = "another secret of 32 bytes and more, as it must be"
THIRD_KEY = "yet another secret of 32 bytes and more"


def seconds_from_now(seconds):
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())


def segment(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def claims(as_user):
    return jwt.decode(
        as_user.tokens["access_token"], SECRET_KEY, ["HS256"], audience=AUDIENCE, issuer=ISSUER
    )


@pytest.fixture
def token(claims):
    """Return a function that signs an access token with changed claims; None removes a claim."""

    def make(key=SECRET_KEY, algorithm="HS256", **changes):
        changed = {**claims, **changes}
        kept = {name: value for name, value in changed.items() if value is not None}
        headers = {"kid": key_id(key)}
        return jwt.api_jws.encode(json.dumps(kept).encode(), key, algorithm, headers)

    return make


@pytest.fixture
def response_to(client):
    def get(authorization):
        return client.get(ME, headers={"Authorization": authorization})

    return get


@pytest.fixture
def refused(response_to):
    def check(token):
        response = response_to(f"Bearer {token}")
        assert response.status_code == 401
        assert response.json["type"] == "/api/problems/unauthenticated"
        assert response.headers["WWW-Authenticate"] == INVALID

    return check


@pytest.fixture
def keys(app, settings, monkeypatch):
    """Return a function that rotates the keys of the application."""

    def rotate(key, *fallbacks):
        rotated = dataclasses.replace(settings, secret_key=key, secret_key_fallbacks=fallbacks)
        monkeypatch.setitem(app.extensions, "settings", rotated)

    return rotate


class TestAuthorizationHeader:
    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Basic dXNlcjpwYXNzd29yZA==",
            "Basic x",
            "Token abc",
            "Digest username=x",
            "é",
        ],
    )
    def test_missing_bearer_token_returns_401(self, response_to, header):
        response = response_to(header)

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == ABSENT

    @pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b"])
    def test_header_without_a_single_token_returns_401(self, response_to, header):
        response = response_to(header)

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == INVALID

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_scheme_is_case_insensitive(self, response_to, token, scheme):
        assert response_to(f"{scheme} {token()}").status_code == 200

    def test_token_in_the_url_is_ignored(self, client, token):
        assert client.get(f"{ME}?access_token={token()}").status_code == 401


class TestAccessToken:
    @pytest.mark.parametrize(
        "token",
        [
            "garbage",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            "..",
            "é.é.é",
            "x" * 4000,
            f"{segment(b'[' * 3000)}.e30.x",
            f"{segment([])}.e30.x",
            f"{segment({'alg': 'HS256'})}.{segment([])}.x",
            f"{segment({'alg': None})}.e30.x",
            f"{segment({'alg': []})}.e30.x",
        ],
        ids=lambda token: token[:20],
    )
    def test_malformed_token_returns_401(self, refused, token):
        refused(token)

    def test_wrong_signature_returns_401(self, refused, token):
        refused(token(key=OTHER_KEY))

    def test_changed_claims_return_401(self, refused, token, claims):
        header, _, signature = token().split(".")

        refused(f"{header}.{segment({**claims, 'sub': 'user_other'})}.{signature}")

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
    def test_token_without_a_signature_returns_401(self, refused, claims, algorithm):
        refused(f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{segment(claims)}.")

    @pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_other_algorithm_returns_401(self, refused, token, algorithm):
        refused(token(algorithm=algorithm))

    @pytest.mark.parametrize("name", REQUIRED_CLAIMS)
    def test_missing_claim_returns_401(self, refused, token, name):
        refused(token(**{name: None}))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("sub", 1),
            ("sub", ["user"]),
            ("sub", ""),
            ("sub", "\0"),
            ("sub", "user_00000000000000000000000000"),
            ("sid", 1),
            ("sid", "session_00000000000000000000000000"),
            ("jti", 1),
            ("type", "refresh"),
            ("type", ["access"]),
            ("iss", "someone-else"),
            ("iss", [ISSUER]),
            ("aud", "something-else"),
            ("exp", "tomorrow"),
            ("iat", "yesterday"),
        ],
    )
    def test_claim_of_another_type_returns_401(self, refused, token, name, value):
        refused(token(**{name: value}))

    def test_token_for_another_user_than_its_session_returns_401(self, refused, token, admin):
        refused(token(sub=admin.id))

    def test_expired_token_returns_401(self, refused, token):
        refused(token(exp=seconds_from_now(-60)))

    def test_token_issued_in_the_future_returns_401(self, refused, token):
        refused(token(iat=seconds_from_now(60)))

    def test_refresh_token_returns_401(self, refused, as_user):
        refused(as_user.tokens["refresh_token"])

    def test_token_of_an_ended_session_returns_401(self, refused, as_user, token):
        assert as_user.post("/api/auth/logout").status_code == 204

        refused(token())

    def test_token_of_a_deactivated_user_returns_401(self, refused, token, user, session):
        user.is_active = False
        session.commit()

        refused(token())

    @pytest.mark.parametrize("name", ["exp", "iat"])
    def test_small_clock_differences_are_tolerated(self, response_to, token, name):
        off = {"exp": seconds_from_now(-1), "iat": seconds_from_now(2)}[name]

        assert response_to(f"Bearer {token(**{name: off})}").status_code == 200

    def test_public_operation_ignores_the_token(self, client):
        response = client.get("/api/notes", headers={"Authorization": "Bearer garbage"})

        assert response.status_code == 200


class TestRefreshToken:
    @pytest.mark.parametrize("kind", ["access token", "garbage", "without signature", "other key"])
    def test_invalid_refresh_token_returns_401(self, client, token, claims, kind):
        refresh = {"type": "refresh"}
        given = {
            "access token": token(),
            "garbage": "garbage",
            "without signature": f"{segment({'alg': 'none'})}.{segment(claims | refresh)}.",
            "other key": token(key=OTHER_KEY, **refresh),
        }
        response = client.post(REFRESH, json={"refresh_token": given[kind]})

        assert response.status_code == 401
        assert response.json["type"] == "/api/problems/invalid-refresh-token"
        assert response.headers["WWW-Authenticate"] == ABSENT


class TestKeyRotation:
    def test_token_of_a_removed_key_returns_401(self, keys, token, refused):
        signed = token()
        keys(OTHER_KEY)

        refused(signed)

    @pytest.mark.parametrize("fallbacks", [[SECRET_KEY], [THIRD_KEY, SECRET_KEY]])
    def test_fallback_verifies_an_old_token(self, keys, token, response_to, fallbacks):
        signed = token()
        keys(OTHER_KEY, *fallbacks)

        assert response_to(f"Bearer {signed}").status_code == 200

    def test_expired_token_of_a_fallback_key_returns_401(self, keys, token, refused):
        expired = token(exp=seconds_from_now(-60))
        keys(OTHER_KEY, SECRET_KEY)

        refused(expired)
