"""Second factor of the current user: set up, recovery codes, turn off."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import select

from models.second_factors import RecoveryCode
from tests.support.api_keys import new_key, using
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD, UserFactory
from tests.support.second_factors import URL, code_of, enrolled, enrolment, wrong_code

PATHS = ("confirm", "disable", "recovery-codes")
OFF = {"enabled": False, "confirmed_at": None, "recovery_codes_left": 0}


@pytest.fixture
def factor(as_user, user):
    return enrolled(as_user, user.email, PASSWORD)


def send(client, path, code):
    return client.post(f"{URL}/{path}", json={"code": code})


def pointers(response):
    return [error["pointer"] for error in response.json["errors"]]


class TestSetUp:
    def test_state_is_off_until_the_confirmation(self, as_user):
        before = as_user.get(URL).json
        secret = enrolment(as_user, PASSWORD)["secret"]
        pending = as_user.get(URL).json
        send(as_user, "confirm", code_of(secret))
        after = as_user.get(URL).json

        assert (before, pending) == (OFF, OFF)
        assert (after["enabled"], after["recovery_codes_left"]) == (True, 10)
        assert after["confirmed_at"]

    def test_uri_has_the_secret_the_issuer_and_the_account(self, as_user, user):
        created = as_user.post(URL, json={"password": PASSWORD})
        uri = urlsplit(created.json["uri"])

        assert created.status_code == 201
        assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
        assert unquote(uri.path).endswith(f":{user.email}")
        assert parse_qs(uri.query)["secret"] == [created.json["secret"]]
        assert "private" in created.headers["Cache-Control"]

    def test_pending_set_up_does_not_change_the_sign_in(self, app, as_user, user):
        enrolment(as_user, PASSWORD)

        ApiClient(app).signed_in(user)

    def test_wrong_code_gets_422_and_turns_nothing_on(self, as_user):
        secret = enrolment(as_user, PASSWORD)["secret"]
        response = send(as_user, "confirm", wrong_code(secret))

        assert (response.status_code, pointers(response)) == (422, ["/code"])
        assert as_user.get(URL).json == OFF

    def test_second_set_up_replaces_a_pending_secret(self, as_user):
        first, second = (enrolment(as_user, PASSWORD)["secret"] for _ in range(2))

        assert send(as_user, "confirm", code_of(first)).status_code == 422
        assert send(as_user, "confirm", code_of(second)).status_code == 200

    def test_confirmation_without_a_set_up_gets_404(self, as_user):
        assert send(as_user, "confirm", "123456").status_code == 404

    def test_set_up_of_an_enabled_factor_gets_409_and_keeps_the_secret(self, as_user, factor):
        statuses = [
            as_user.post(URL, json={"password": PASSWORD}).status_code,
            send(as_user, "confirm", code_of(factor.secret)).status_code,
        ]

        assert statuses == [409, 409]
        assert send(as_user, "disable", code_of(factor.secret)).status_code == 204

    def test_confirmation_ends_the_other_sessions(self, app, as_user, user):
        elsewhere = ApiClient(app).signed_in(user)
        enrolled(as_user, user.email, PASSWORD)

        assert elsewhere.get(URL).status_code == 401
        assert as_user.get(URL).status_code == 200


class TestDisable:
    @pytest.mark.parametrize("kind", ["app", "recovery"])
    def test_code_turns_it_off_and_deletes_everything(self, app, as_user, user, factor, kind):
        code = code_of(factor.secret) if kind == "app" else factor.recovery_codes[3]

        assert send(as_user, "disable", code).status_code == 204
        assert as_user.get(URL).json == OFF
        ApiClient(app).signed_in(user)

    def test_wrong_code_keeps_it_on(self, as_user, factor):
        response = send(as_user, "disable", wrong_code(factor.secret))

        assert (response.status_code, pointers(response)) == (422, ["/code"])
        assert as_user.get(URL).json["enabled"]

    def test_code_that_was_used_keeps_it_on(self, as_user, factor):
        assert send(as_user, "disable", code_of(factor.secret, 0)).status_code == 422

    def test_of_an_account_without_a_factor_gets_404(self, as_user):
        assert send(as_user, "disable", "123456").status_code == 404


class TestRecoveryCodes:
    def test_are_ten_different_codes_stored_as_digests(self, as_user, factor, session):
        stored = b"".join(session.scalars(select(RecoveryCode.digest)))

        assert len(set(factor.recovery_codes)) == 10
        assert len(stored) == 320
        assert not [code for code in factor.recovery_codes if code.encode() in stored]

    def test_new_codes_replace_the_old_ones(self, as_user, factor):
        new = send(as_user, "recovery-codes", code_of(factor.secret)).json["recovery_codes"]

        assert not set(new) & set(factor.recovery_codes)
        assert send(as_user, "disable", factor.recovery_codes[0]).status_code == 422
        assert send(as_user, "disable", new[0].upper().replace("-", " ")).status_code == 204

    def test_of_an_account_without_a_factor_get_404(self, as_user):
        assert send(as_user, "recovery-codes", "123456").status_code == 404


def test_api_key_gets_403_for_everything(app, as_user, factor):
    key = using(app, new_key(as_user, "profile")["key"])
    code = code_of(factor.secret)
    statuses = [
        key.get(URL).status_code,
        key.post(URL, json={"password": PASSWORD}).status_code,
        *(send(key, path, code).status_code for path in PATHS),
    ]

    assert statuses == [403] * 5
    assert as_user.get(URL).json["recovery_codes_left"] == 10


class TestRequiredOfAdministrators:
    @pytest.fixture
    def strict(self, make_app, admin):
        app = make_app(require_admin_second_factor=True)
        return ApiClient(app).signed_in(admin)

    def test_without_it_an_administrator_is_a_user(self, strict):
        response = strict.get("/api/users")

        assert response.status_code == 403
        assert response.json["type"] == "/api/problems/second-factor-missing"
        assert strict.get("/api/users/me").status_code == 200

    def test_with_it_the_next_request_has_all_rights(self, strict, admin):
        enrolled(strict, admin.email, PASSWORD)

        assert strict.get("/api/users").status_code == 200

    def test_api_key_of_an_administrator_without_it_has_no_more_rights(self, strict, as_admin):
        key = using(strict.application, new_key(as_admin, "users:manage")["key"])

        assert key.get("/api/users").json["type"] == "/api/problems/second-factor-missing"

    def test_user_without_it_is_not_affected(self, strict, user):
        as_user = ApiClient(strict.application).signed_in(user)

        assert as_user.get("/api/users").json["type"] == "/api/problems/forbidden"
        assert as_user.get("/api/users/me").status_code == 200

    def test_is_off_by_default(self, as_admin):
        assert as_admin.get("/api/users").status_code == 200


def test_factor_of_another_user_is_not_affected(app, as_user, factor, session):
    other = ApiClient(app).signed_in(UserFactory())

    assert other.get(URL).json == OFF
