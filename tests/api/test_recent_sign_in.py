"""Operations that need a recent sign-in."""

import jwt
import pytest
from flask_jwt_extended import create_access_token, create_refresh_token

from app.http.access import public, recent_sign_in
from app.http.operation import operation_of
from app.http.resource import Resource
from tests.support.api_keys import KEY_SCOPES, new_key, using
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD

BODY = {"current_password": PASSWORD, "new_password": "another battery staple"}
LIMIT = 10 * 60


def change_password(client):
    return client.put("/api/users/me/password", json=BODY)


def refreshed(client):
    body = {"refresh_token": client.tokens["refresh_token"]}
    client.tokens = client.post("/api/auth/refresh", json=body).json
    return client


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.fixture
def sensitive(app):
    """Return the operations that need a recent sign-in, as methods and URLs."""
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if (view := getattr(app.view_functions[rule.endpoint], "view_class", None))
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if operation_of(getattr(view, method.lower(), None)).recent_sign_in
    ]


def test_recent_sign_in_may_change_the_password(as_user, clock):
    clock(LIMIT - 5)

    assert change_password(as_user).status_code == 204


def test_old_sign_in_gets_401_and_keeps_the_password(app, as_user, user, clock):
    clock(LIMIT + 1)
    response = change_password(as_user)

    assert response.status_code == 401
    assert response.json["type"] == "/api/problems/recent-sign-in-required"
    assert 'error="insufficient_user_authentication"' in response.headers["WWW-Authenticate"]
    assert as_user.get("/api/users/me").status_code == 200
    ApiClient(app).signed_in(user)


def test_refresh_is_no_sign_in(as_user, user, clock):
    clock(LIMIT + 1)

    assert change_password(refreshed(refreshed(as_user))).status_code == 401
    assert change_password(as_user.signed_in(user)).status_code == 204


def test_tokens_keep_the_time_of_the_sign_in(as_user, clock):
    before = claims(as_user.tokens["access_token"])
    clock(60)
    after = claims(refreshed(as_user).tokens["access_token"])

    assert after["auth_time"] == before["auth_time"]
    assert after["iat"] > before["iat"] - 1


def test_tokens_without_the_time_count_as_old(app, as_user, user):
    old = claims(as_user.tokens["refresh_token"])
    session = {"sid": old["sid"]}
    with app.test_request_context():
        as_user.tokens = {
            "access_token": create_access_token(user.id, additional_claims=session),
            "refresh_token": create_refresh_token(
                user.id, additional_claims={**session, "jti": old["jti"]}
            ),
        }

    assert change_password(as_user).status_code == 401
    assert change_password(refreshed(as_user)).status_code == 401
    assert as_user.get("/api/users/me").status_code == 200


def test_every_sensitive_operation_refuses_an_old_sign_in(as_admin, sensitive, clock):
    clock(LIMIT + 1)

    def problem(method, url):
        return as_admin.open(url, method=method, json={}).json["type"].rpartition("/")[2]

    assert ("PUT", "/api/users/me/password") in sensitive
    assert {problem(*each) for each in sensitive} == {"recent-sign-in-required"}


def test_api_key_is_never_recent(app, as_admin, sensitive):
    key = using(app, new_key(as_admin, *KEY_SCOPES)["key"])

    assert {key.open(url, method=method, json={}).status_code for method, url in sensitive} == {403}


def test_setting_changes_the_limit(make_app, user, clock):
    client = ApiClient(make_app(recent_sign_in_minutes=1)).signed_in(user)
    clock(61)

    assert change_password(client).status_code == 401


def test_public_method_cannot_need_a_recent_sign_in():
    with pytest.raises(TypeError, match="GET needs @requires"):

        class Confused(Resource):
            @public
            @recent_sign_in
            def get(self):
                """There is no sign-in."""
