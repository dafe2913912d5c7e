"""Sign-in with a second factor: codes, challenges and limits."""

import json
import time

import pytest

from models.events import EventType
from tests.support.clients import ApiClient
from tests.support.events import recorded
from tests.support.factories import PASSWORD, UserFactory
from tests.support.second_factors import LOGIN, STEP, URL, code_of, enrolled, wrong_code

SECOND = f"{LOGIN}/second-factor"


@pytest.fixture
def factor(as_user, user):
    return enrolled(as_user, user.email, PASSWORD)


def kind(response):
    return response.json["type"].rpartition("/")[2]


def finish(client, challenge, code):
    return client.post(SECOND, json={"challenge": challenge, "code": code})


class TestPassword:
    def test_right_password_gets_a_challenge_and_no_token(self, client, factor):
        credentials = {"email": factor.email, "password": PASSWORD}
        response = client.post(LOGIN, json=credentials)

        assert (response.status_code, kind(response)) == (401, "second-factor-required")
        assert "access_token" not in response.text
        assert "WWW-Authenticate" in response.headers

    def test_wrong_password_does_not_show_that_there_is_a_second_factor(self, client, factor):
        credentials = {"email": factor.email, "password": "wrong"}
        response = client.post(LOGIN, json=credentials)

        assert kind(response) == "wrong-credentials"
        assert "challenge" not in response.json


class TestCode:
    def test_code_of_the_app_signs_in(self, client, factor):
        response = factor.sign_in(client, code_of(factor.secret))
        client.tokens = response.json

        assert response.status_code == 200
        assert client.get(URL).json["enabled"]
        body = {"refresh_token": client.tokens["refresh_token"]}
        assert client.post("/api/auth/refresh", json=body).status_code == 200

    def test_code_is_accepted_in_the_form_that_the_app_shows(self, client, factor):
        code = code_of(factor.secret)

        assert factor.sign_in(client, f"{code[:3]} {code[3:]}").status_code == 200

    def test_code_is_accepted_once(self, client, factor):
        code = code_of(factor.secret)
        first = factor.sign_in(client, code)
        replays = [factor.sign_in(client, code) for _ in range(50)]

        assert first.status_code == 200
        assert {(each.status_code, kind(each)) for each in replays} == {(401, "wrong-code")}

    def test_older_code_is_refused_after_a_newer_one(self, client, factor):
        codes = [code_of(factor.secret, steps) for steps in (1, 0)]
        statuses = [factor.sign_in(client, code).status_code for code in codes]

        assert statuses == [200, 401]

    @pytest.mark.parametrize(
        ("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)]
    )
    def test_clock_skew_of_one_step_is_accepted(self, client, factor, monkeypatch, steps, status):
        """All codes are newer than the one of the enrolment; the clock stops in a step."""
        later = (time.time() // STEP + 10.5) * STEP
        monkeypatch.setattr(time, "time", lambda: later)
        challenge = factor.challenge(client)

        assert finish(client, challenge, code_of(factor.secret, steps)).status_code == status

    @pytest.mark.parametrize(
        "code", ["      ", "0000000", "\u0660" * 6, "------", "é" * 6, "x" * 40]
    )
    def test_text_that_is_no_code_is_wrong(self, client, factor, code):
        assert kind(factor.sign_in(client, code)) == "wrong-code"

    def test_code_of_another_account_is_wrong(self, app, client, factor, session):
        other = UserFactory()
        theirs = enrolled(ApiClient(app).signed_in(other), other.email, PASSWORD)

        assert kind(factor.sign_in(client, code_of(theirs.secret))) == "wrong-code"
        assert kind(factor.sign_in(client, theirs.recovery_codes[0])) == "wrong-code"

    def test_each_recovery_code_is_accepted_once(self, client, factor, session, user):
        codes = factor.recovery_codes
        statuses = [factor.sign_in(client, code).status_code for code in [*codes, *codes]]
        events = recorded(session, EventType.USER_RECOVERY_CODE_USED)

        assert statuses == [200] * 10 + [401] * 10
        assert [event.actor_id for event in events] == [user.id] * 10


class TestChallenge:
    def test_is_valid_for_five_minutes(self, client, factor, clock):
        challenge = factor.challenge(client)
        clock(5 * 60 - 30)
        assert finish(client, challenge, code_of(factor.secret)).status_code == 200
        clock(32)
        response = finish(client, challenge, code_of(factor.secret, 1))

        assert (response.status_code, kind(response)) == (401, "invalid-challenge")

    def test_altered_challenge_is_refused(self, client, factor):
        good, code = factor.challenge(client), code_of(factor.secret)
        altered = [
            good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
            for at in range(len(good))
        ]
        kinds = {kind(finish(client, each, code)) for each in altered}

        assert kinds == {"invalid-challenge"}
        assert finish(client, good, code).status_code == 200

    def test_challenge_of_another_account_needs_the_code_of_that_account(
        self, app, client, factor, session
    ):
        other = UserFactory()
        theirs = enrolled(ApiClient(app).signed_in(other), other.email, PASSWORD)
        response = finish(client, theirs.challenge(client), code_of(factor.secret))

        assert kind(response) == "wrong-code"

    def test_new_password_makes_it_invalid(self, client, as_user, factor):
        challenge = factor.challenge(client)
        body = {"current_password": PASSWORD, "new_password": "another battery staple"}
        as_user.put("/api/users/me/password", json=body)

        assert kind(finish(client, challenge, code_of(factor.secret))) == "invalid-challenge"

    def test_end_of_the_factor_makes_it_invalid(self, client, as_user, factor):
        challenge = factor.challenge(client)
        as_user.post(f"{URL}/disable", json={"code": factor.recovery_codes[0]})

        assert kind(finish(client, challenge, code_of(factor.secret))) == "invalid-challenge"

    def test_deactivation_makes_it_invalid(self, client, as_admin, user, factor):
        challenge = factor.challenge(client)
        as_admin.patch(f"/api/users/{user.id}", json={"is_active": False})

        assert kind(finish(client, challenge, code_of(factor.secret))) == "invalid-challenge"

    def test_is_no_token_and_a_token_is_no_challenge(self, client, as_user, factor):
        challenge, code = factor.challenge(client), code_of(factor.secret)
        headers = {"Authorization": f"Bearer {challenge}"}
        refreshed = client.post("/api/auth/refresh", json={"refresh_token": challenge})

        assert client.get(URL, headers=headers).status_code == 401
        assert kind(refreshed) == "invalid-refresh-token"
        for token in (as_user.tokens["access_token"], as_user.tokens["refresh_token"]):
            assert kind(finish(client, token, code)) == "invalid-challenge"


class TestLimits:
    def test_ten_wrong_codes_are_limited(self, limited, factor):
        client = limited(rate_limit_second_factor="10 per hour")
        wrong = wrong_code(factor.secret)
        challenge = factor.challenge(client)
        statuses = [finish(client, challenge, wrong).status_code for _ in range(11)]

        assert statuses == [401] * 10 + [429]
        assert finish(client, challenge, code_of(factor.secret)).status_code == 429

    def test_failures_count_per_account_and_address(self, limited, factor):
        client = limited(rate_limit_login="3 per minute")
        wrong, challenge = wrong_code(factor.secret), factor.challenge(client)
        statuses = [finish(client, challenge, wrong).status_code for _ in range(4)]
        body = {"challenge": challenge, "code": code_of(factor.secret)}
        elsewhere = client.post(SECOND, json=body, environ_base={"REMOTE_ADDR": "203.0.113.9"})

        assert statuses == [401, 401, 401, 429]
        assert elsewhere.status_code == 200

    def test_right_codes_do_not_count(self, limited, factor):
        client = limited(rate_limit_second_factor="2 per hour")
        codes = [*factor.recovery_codes[:4], code_of(factor.secret)]

        assert {factor.sign_in(client, code).status_code for code in codes} == {200}

    def test_right_password_with_a_wrong_code_does_not_release_failures(self, limited, factor):
        client = limited(rate_limit_login_account="3 per minute")
        wrong = {"email": factor.email, "password": "wrong"}
        statuses = [client.post(LOGIN, json=wrong).status_code for _ in range(2)]
        challenges = [factor.challenge(client) for _ in range(2)]
        finish(client, challenges[0], wrong_code(factor.secret))
        statuses += [client.post(LOGIN, json=wrong).status_code for _ in range(2)]

        assert statuses == [401, 401, 401, 429]

    def test_wrong_codes_of_all_settings_count_together(self, limited, as_user, factor):
        client = limited(rate_limit_second_factor="2 per hour")
        client.tokens = as_user.tokens
        wrong = {"code": wrong_code(factor.secret)}
        paths = ("disable", "recovery-codes", "disable")
        statuses = [client.post(f"{URL}/{path}", json=wrong).status_code for path in paths]

        assert statuses == [422, 422, 429]

    @pytest.mark.parametrize("challenge", ["x", "\ud800", 1, None, [], {}, ["."]])
    def test_challenge_that_is_not_valid_is_refused(self, limited, factor, challenge):
        client = limited(rate_limit_second_factor="2 per hour")
        body = json.dumps({"challenge": challenge, "code": "123456"})
        sent = {"data": body, "content_type": "application/json"}

        assert client.post(SECOND, **sent).status_code in {401, 422}
        assert factor.sign_in(client, code_of(factor.secret)).status_code == 200
