"""A thief of a password, a token or an address does not keep the account."""

import pytest
from sqlalchemy import select

from models.mails import Mail, MailKind
from models.users import User
from tests.support.api_keys import new_key, using
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD, UserFactory
from tests.support.mails import mailed_token, send_all
from tests.support.second_factors import LOGIN, URL, code_of, enrolled, wrong_code

NEW, THEIRS = "another horse battery", "thief@example.com"
HERE, THERE = ({"REMOTE_ADDR": f"203.0.113.{n}"} for n in (1, 2))


def change_email(client, email=THEIRS):
    body = {"email": email, "password": PASSWORD}
    assert client.post("/api/users/me/email", json=body).status_code == 202


def sign_in(client, email, password=PASSWORD, **options):
    body = {"email": email, "password": password}
    return client.post(LOGIN, json=body, **options).status_code


@pytest.fixture
def kinds(session):
    """Return a function that lists the kinds of mails in the outbox."""
    return lambda: sorted(session.scalars(select(Mail.kind)))


class TestChangeOfAddress:
    def change_password(self, as_user):
        body = {"current_password": PASSWORD, "new_password": NEW}
        assert as_user.put("/api/users/me/password", json=body).status_code == 204

    def test_new_password_ends_a_link_that_is_not_sent_yet(self, app, as_user, kinds):
        change_email(as_user)
        self.change_password(as_user)

        assert kinds() == [MailKind.EMAIL_CHANGE_REQUESTED]
        assert THEIRS not in [mail["To"] for mail in send_all(app)]

    def test_new_password_ends_a_link_that_is_sent(self, app, client, as_user, user):
        change_email(as_user)
        token = mailed_token(app, THEIRS)
        self.change_password(as_user)

        response = client.post("/api/auth/confirm-email", json={"token": token})
        assert response.status_code == 422

    def test_deactivation_ends_a_link_for_good(self, app, client, as_user, as_admin, user):
        change_email(as_user)
        token = mailed_token(app, THEIRS)
        for active in (False, True):
            as_admin.patch(f"/api/users/{user.id}", json={"is_active": active})

        response = client.post("/api/auth/confirm-email", json={"token": token})
        assert response.status_code == 422

    def test_another_request_does_not_delete_the_notice(self, as_user, kinds):
        for address in (THEIRS, "second@example.com"):
            change_email(as_user, address)

        assert kinds().count(MailKind.EMAIL_CHANGE_REQUESTED) == 2
        assert kinds().count(MailKind.CHANGE_EMAIL) == 1

    def test_former_address_gets_a_notice_and_no_link_works_for_it(
        self, app, client, as_user, user
    ):
        former = user.email
        client.post("/api/auth/forgot-password", json={"email": former})
        reset = mailed_token(app, former)
        change_email(as_user)
        confirmed = client.post(
            "/api/auth/confirm-email", json={"token": mailed_token(app, THEIRS)}
        )

        assert confirmed.status_code == 204
        assert [mail["Subject"] for mail in send_all(app) if mail["To"] == former] == [
            "Your email address was changed"
        ]
        body = {"token": reset, "password": NEW}
        assert client.post("/api/auth/reset-password", json=body).status_code == 422


class TestUnverifiedAddress:
    @pytest.fixture
    def thief(self, app, session):
        """Return a client of an account whose address belongs to another person."""
        return ApiClient(app).signed_in(UserFactory(email_verified_at=None))

    def test_cannot_have_a_second_factor(self, thief):
        response = thief.post(URL, json={"password": PASSWORD})

        assert response.json["type"] == "/api/problems/email-not-verified"

    def test_reset_by_its_owner_revokes_the_keys(self, app, thief, session):
        key = using(app, new_key(thief, "profile")["key"])
        email = session.scalar(select(User.email).where(User.email_verified_at.is_(None)))
        client = ApiClient(app)
        client.post("/api/auth/forgot-password", json={"email": email})
        body = {"token": mailed_token(app, email), "password": NEW}

        assert client.post("/api/auth/reset-password", json=body).status_code == 204
        assert key.get("/api/users/me").status_code == 401

    def test_reset_of_a_verified_address_keeps_the_keys(self, app, as_user, user):
        key = using(app, new_key(as_user, "profile")["key"])
        client = ApiClient(app)
        client.post("/api/auth/forgot-password", json={"email": user.email})
        body = {"token": mailed_token(app, user.email), "password": NEW}

        assert client.post("/api/auth/reset-password", json=body).status_code == 204
        assert key.get("/api/users/me").status_code == 200


class TestCopiedToken:
    def test_set_up_needs_the_password(self, as_user):
        response = as_user.post(URL, json={"password": "wrong password"})

        assert response.status_code == 422
        assert response.json["errors"][0]["pointer"] == "/password"

    def test_new_recovery_codes_need_a_code(self, as_user, user):
        factor = enrolled(as_user, user.email, PASSWORD)
        response = as_user.post(f"{URL}/recovery-codes", json={"code": wrong_code(factor.secret)})

        assert response.status_code == 422
        assert as_user.get(URL).json["recovery_codes_left"] == 10

    def test_cannot_use_up_the_codes_of_a_sign_in(self, limited, user):
        client = limited(rate_limit_second_factor="2 per hour").signed_in(user)
        factor = enrolled(client, user.email, PASSWORD)
        wrong = {"code": wrong_code(factor.secret)}
        statuses = [client.post(f"{URL}/disable", json=wrong).status_code for _ in range(3)]

        assert statuses == [422, 422, 429]
        assert factor.sign_in(client, code_of(factor.secret)).status_code == 200


class TestLockOut:
    def test_failures_from_elsewhere_do_not_lock_a_known_address(self, limited, user):
        client = limited(rate_limit_login_account="2 per minute")
        assert sign_in(client, user.email, environ_base=HERE) == 200

        elsewhere = [sign_in(client, user.email, "wrong", environ_base=THERE) for _ in range(3)]

        assert elsewhere == [401, 401, 429]
        assert sign_in(client, user.email, environ_base=HERE) == 200

    def test_known_address_has_a_limit_of_its_own(self, limited, user):
        client = limited(rate_limit_login_account="2 per minute")
        sign_in(client, user.email, environ_base=HERE)
        statuses = [sign_in(client, user.email, "wrong", environ_base=HERE) for _ in range(3)]

        assert statuses == [401, 401, 429]

    def test_resets_from_elsewhere_do_not_use_up_those_of_the_owner(self, limited, user):
        client = limited(rate_limit_forgot_password="1 per hour")
        body = {"email": user.email}
        statuses = [
            client.post("/api/auth/forgot-password", json=body, environ_base=each).status_code
            for each in (THERE, THERE, HERE)
        ]

        assert statuses == [202, 429, 202]

    def test_right_password_is_no_failure_if_a_code_follows(self, limited, user):
        client = limited(rate_limit_login="1 per minute").signed_in(user)
        factor = enrolled(client, user.email, PASSWORD)
        for code in factor.recovery_codes[:3]:
            assert factor.sign_in(client, code).status_code == 200

    def test_challenge_of_a_former_password_uses_up_no_code(self, limited, user):
        client = limited(rate_limit_second_factor="2 per hour").signed_in(user)
        factor = enrolled(client, user.email, PASSWORD)
        stale = factor.challenge(client)
        body = {"current_password": PASSWORD, "new_password": NEW}
        client.put("/api/users/me/password", json=body)
        for _ in range(3):
            body = {"challenge": stale, "code": "123456"}
            assert client.post(f"{LOGIN}/second-factor", json=body).status_code == 401

        factor.password = NEW
        assert factor.sign_in(client, code_of(factor.secret)).status_code == 200


class TestCommands:
    def test_stolen_account_gets_another_address(self, app, as_user, user):
        key = using(app, new_key(as_user, "profile")["key"])
        enrolled(as_user, user.email, PASSWORD)
        arguments = ["users", "set-email", user.email, "Ada@Example.org"]
        assert app.test_cli_runner().invoke(args=arguments).exit_code == 0

        assert [each.get(URL).status_code for each in (as_user, key)] == [401, 401]
        client = ApiClient(app)
        assert sign_in(client, "ada@example.org") == 401
        client.post("/api/auth/forgot-password", json={"email": "ada@example.org"})
        body = {"token": mailed_token(app, "ada@example.org"), "password": NEW}
        assert client.post("/api/auth/reset-password", json=body).status_code == 204
        assert sign_in(client, "ada@example.org", NEW) == 200

    def test_address_is_verified(self, app, session):
        user = UserFactory(email_verified_at=None)
        arguments = ["users", "verify-email", user.email]
        assert app.test_cli_runner().invoke(args=arguments).exit_code == 0

        session.refresh(user)
        assert user.email_verified_at

    def test_removal_of_a_second_factor_ends_all_sessions(self, app, as_user, user):
        enrolled(as_user, user.email, PASSWORD)
        arguments = ["users", "remove-second-factor", user.email]
        assert app.test_cli_runner().invoke(args=arguments).exit_code == 0

        assert as_user.get(URL).status_code == 401
        assert sign_in(ApiClient(app), user.email) == 200
