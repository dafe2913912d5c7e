"""Verification and change of the email address, and password reset."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from models.account_tokens import AccountToken
from models.events import EventType
from models.mails import Mail
from models.users import User
from tests.support.clients import ApiClient
from tests.support.events import recorded
from tests.support.factories import PASSWORD, UserFactory
from tests.support.mails import mail_to, mailed_token, send_all
from tests.support.smtp_servers import token_of

NEW = "another horse battery staple"
ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}


def post(client, action, **body):
    return client.post(f"/api/auth/{action}", json=body)


def sign_in(client, email, password=PASSWORD):
    return post(client, "login", email=email, password=password).status_code


def check_refused(response):
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json["errors"]] == ["/token"]


@pytest.fixture
def reset_token(client, user, app):
    assert post(client, "forgot-password", email=user.email).status_code == 202
    return mailed_token(app, user.email)


class TestVerification:
    def test_link_of_the_registration_verifies_the_address_once(self, client, app, session):
        assert post(client, "register", **ACCOUNT).json["email_verified_at"] is None
        token = mailed_token(app, ACCOUNT["email"])

        assert post(client, "verify-email", token=token).status_code == 204
        check_refused(post(client, "verify-email", token=token))
        assert session.scalar(select(User.email_verified_at)) is not None
        assert len(recorded(session, EventType.USER_EMAIL_VERIFIED)) == 1

    def test_only_the_latest_mail_works(self, client, app, as_user, user):
        tokens = []
        for _ in range(2):
            assert as_user.post("/api/auth/verify-email/resend").status_code == 202
            tokens.append(mailed_token(app, user.email))

        check_refused(post(client, "verify-email", token=tokens[0]))
        assert post(client, "verify-email", token=tokens[1]).status_code == 204

    def test_sign_in_can_require_a_verified_address(self, make_app):
        app = make_app(require_verified_email="login")
        client = ApiClient(app)
        post(client, "register", **ACCOUNT)

        response = post(client, "login", **ACCOUNT)
        assert (response.status_code, response.json["title"]) == (403, "Email address not verified")
        assert sign_in(client, ACCOUNT["email"], "wrong") == 401
        post(client, "verify-email", token=mailed_token(app, ACCOUNT["email"]))
        assert sign_in(client, ACCOUNT["email"]) == 200

    def test_account_of_a_command_is_verified(self, app, session):
        args = ["users", "create-admin", "ada@example.com", "--password", PASSWORD]
        app.test_cli_runner().invoke(args=args)

        assert session.scalar(select(User.email_verified_at)) is not None


class TestReset:
    def test_link_sets_a_password_and_ends_all_sessions(
        self, client, app, session, user, as_user, reset_token
    ):
        response = post(client, "reset-password", token=reset_token, password=NEW)

        assert response.status_code == 204
        assert as_user.get("/api/users/me").status_code == 401
        assert (sign_in(client, user.email), sign_in(client, user.email, NEW)) == (401, 200)
        assert mail_to(app, user.email)["Subject"] == "Your password was reset"
        session.refresh(user)
        assert user.email_verified_at is not None
        check_refused(post(client, "reset-password", token=reset_token, password=PASSWORD))

    def test_unknown_address_gets_the_same_response_and_no_mail(self, client, app, session, user):
        known = post(client, "forgot-password", email=user.email)
        send_all(app)
        unknown = post(client, "forgot-password", email="unknown@example.com")

        assert (unknown.status_code, unknown.data) == (known.status_code, known.data)
        names = [[name for name, _ in each.headers] for each in (known, unknown)]
        assert names[0] == names[1]
        assert send_all(app) == []
        assert "unknown@example.com" not in session.scalars(select(Mail.address)).all()

    @pytest.mark.parametrize("reason", ["inactive", "expired", "altered", "foreign", "password"])
    def test_token_is_refused(self, client, as_user, session, user, reset_token, reason):
        token, action = reset_token, "reset-password"
        if reason == "inactive":
            session.execute(update(User).values(is_active=False))
        elif reason == "expired":
            past = func.now() - timedelta(seconds=1)
            session.execute(update(AccountToken).values(expires_at=past))
        elif reason == "altered":
            token = ("b" if token[0] == "a" else "a") + token[1:]
        elif reason == "password":
            passwords = {"current_password": PASSWORD, "new_password": NEW}
            assert as_user.put("/api/users/me/password", json=passwords).status_code == 204
        else:
            other = UserFactory(password_hash="other")
            session.execute(update(AccountToken).values(user_id=other.id))
        session.commit()

        check_refused(post(client, action, token=token, password=NEW))

    @pytest.mark.parametrize("action", ["verify-email", "confirm-email"])
    def test_token_has_one_purpose(self, client, reset_token, action):
        check_refused(post(client, action, token=reset_token))

    def test_common_password_is_refused_and_keeps_the_token(self, client, reset_token):
        response = post(client, "reset-password", token=reset_token, password="password1")

        assert response.json["errors"][0]["pointer"] == "/password"
        assert post(client, "reset-password", token=reset_token, password=NEW).status_code == 204

    def test_token_lives_for_thirty_minutes(self, session, reset_token):
        lifetime = AccountToken.expires_at - AccountToken.created_at
        assert session.scalar(select(lifetime)) == timedelta(minutes=30)

    def test_tables_contain_no_token(self, rows, reset_token):
        assert reset_token not in repr(rows())

    def test_service_account_gets_no_mail(self, client, app, session):
        UserFactory(email="robot@service-account.invalid", role="service")
        post(client, "forgot-password", email="robot@service-account.invalid")

        assert send_all(app) == []


class TestChange:
    def change(self, client, email="new@example.com", password=PASSWORD):
        body = {"email": email, "password": password}
        return client.post("/api/users/me/email", json=body)

    def test_link_changes_the_address_and_the_old_one_gets_a_notice(
        self, client, app, as_user, user, session
    ):
        old = user.email
        assert self.change(as_user).status_code == 202
        mails = {mail["To"]: mail for mail in send_all(app)}
        assert mails[old]["Subject"] == "Your email address will change"
        assert sign_in(client, old) == 200

        token = token_of(mails["new@example.com"])
        assert post(client, "confirm-email", token=token).status_code == 204
        assert (sign_in(client, old), sign_in(client, "new@example.com")) == (401, 200)
        assert as_user.get("/api/users/me").json["email_verified_at"] is not None
        assert len(recorded(session, EventType.USER_EMAIL_CHANGED)) == 1

    def test_wrong_password_is_refused(self, app, as_user):
        response = self.change(as_user, password="wrong")

        assert response.json["errors"][0]["pointer"] == "/password"
        assert send_all(app) == []

    def test_address_that_is_taken_meanwhile_is_refused(self, client, app, as_user):
        self.change(as_user)
        token = mailed_token(app, "new@example.com")
        UserFactory(email="new@example.com")

        response = post(client, "confirm-email", token=token)
        assert (response.status_code, response.json["title"]) == (409, "Email address taken")

    def test_second_request_ends_the_first(self, client, app, as_user):
        self.change(as_user, "typo@example.com")
        token = mailed_token(app, "typo@example.com")
        self.change(as_user)

        check_refused(post(client, "confirm-email", token=token))
        assert "new@example.com" in [mail["To"] for mail in send_all(app)]

    def test_reset_token_of_the_old_address_stops_working(self, client, app, as_user, reset_token):
        self.change(as_user)
        post(client, "confirm-email", token=mailed_token(app, "new@example.com"))

        check_refused(post(client, "reset-password", token=reset_token, password=NEW))


class TestSettings:
    @pytest.fixture
    def disabled(self, make_app):
        return make_app(smtp_url="")

    def test_service_without_smtp_url_says_so(self, disabled, user):
        client = ApiClient(disabled).signed_in(user)
        change = client.post(
            "/api/users/me/email", json={"email": "new@example.com", "password": PASSWORD}
        )
        responses = [
            post(client, "forgot-password", email=user.email),
            client.post("/api/auth/verify-email/resend"),
            change,
        ]

        assert [each.status_code for each in responses] == [404] * 3
        assert {each.json["type"] for each in responses} == {"/api/problems/mail-disabled"}

    def test_service_without_smtp_url_queues_no_mail(self, disabled, session):
        assert post(ApiClient(disabled), "register", **ACCOUNT).status_code == 201
        assert session.scalars(select(Mail)).all() == []

    @pytest.mark.parametrize("email", ["ada@example.com", "unknown@example.com"])
    def test_resets_are_limited_by_account(self, limited, session, email):
        client = limited(rate_limit_forgot_password="2 per hour")
        UserFactory(email="ada@example.com")
        statuses = [post(client, "forgot-password", email=email).status_code for _ in range(3)]

        assert statuses == [202, 202, 429]
        assert post(client, "forgot-password", email="other@example.com").status_code == 202

    def test_resets_are_limited_by_address(self, limited):
        client = limited(rate_limit_forgot_password_address="2 per hour")
        emails = [f"ada{n}@example.com" for n in range(3)]
        statuses = [post(client, "forgot-password", email=each).status_code for each in emails]

        assert statuses == [202, 202, 429]

    def test_other_mails_are_limited_by_user(self, limited, user):
        client = limited(rate_limit_mail="2 per hour").signed_in(user)
        statuses = [client.post("/api/auth/verify-email/resend").status_code for _ in range(3)]

        assert statuses == [202, 202, 429]
