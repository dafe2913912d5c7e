"""Rate limits of sign-in: failures of an account, of an address and of both."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy.orm.exc import StaleDataError

from services import sign_in as sign_ins
from services.errors import WrongCredentials
from tests.support.factories import PASSWORD, UserFactory

LOGIN = "/api/auth/login"
HERE, THERE = {"REMOTE_ADDR": "203.0.113.1"}, {"REMOTE_ADDR": "203.0.113.2"}


def sign_in(client, email, **options):
    return client.post(LOGIN, json={"email": email, "password": PASSWORD}, **options).status_code


def fail(client, email, times=1, **options):
    """Return the statuses of sign-ins with a wrong password."""
    body = {"email": email, "password": "wrong"}
    return [client.post(LOGIN, json=body, **options).status_code for _ in range(times)]


class TestLogin:
    def test_counts_failures_of_an_account_in_any_case(self, limited, user):
        client = limited(rate_limit_login="2 per minute")

        assert fail(client, user.email, 2) == [401, 401]
        assert sign_in(client, user.email.upper()) == 429
        assert sign_in(client, UserFactory().email) == 200

    def test_counts_failures_of_an_account_in_each_form_of_unicode(self, limited):
        client = limited(rate_limit_login="2 per minute")
        emails = ["jörg@example.com", "jo\u0308rg@example.com", "JO\u0308RG@example.com"]
        statuses = [fail(client, email)[0] for email in emails]

        assert statuses == [401, 401, 429]

    def test_failures_from_another_address_do_not_lock_the_account(self, limited, user):
        client = limited(rate_limit_login="2 per minute")

        assert fail(client, user.email, 3, environ_base=HERE) == [401, 401, 429]
        assert sign_in(client, user.email, environ_base=THERE) == 200

    def test_successes_do_not_count(self, limited, user):
        client = limited(rate_limit_login="2 per minute", rate_limit_login_account="2 per minute")
        statuses = [sign_in(client, user.email) for _ in range(4)]

        assert statuses == [200] * 4
        assert fail(client, user.email, 3) == [401, 401, 429]

    def test_success_does_not_reset_the_count(self, limited, user):
        client = limited(rate_limit_login="2 per minute")
        first = fail(client, user.email)

        assert sign_in(client, user.email) == 200
        assert first + fail(client, user.email, 2) == [401, 401, 429]

    def test_failures_from_many_addresses_reach_the_limit_of_the_account(self, limited, user):
        client = limited(rate_limit_login_account="3 per minute")
        addresses = [{"REMOTE_ADDR": f"203.0.113.{n}"} for n in range(3)]
        statuses = [fail(client, user.email, environ_base=each)[0] for each in addresses]

        assert statuses == [401] * 3
        assert sign_in(client, user.email, environ_base={"REMOTE_ADDR": "203.0.113.9"}) == 429
        assert sign_in(client, UserFactory().email) == 200

    def test_one_address_alone_does_not_reach_the_limit_of_the_account(self, limited, user):
        limits = {"rate_limit_login": "2 per minute", "rate_limit_login_account": "4 per minute"}
        client = limited(**limits)
        fail(client, user.email, 8, environ_base=HERE)

        assert sign_in(client, user.email, environ_base=THERE) == 200

    def test_unavailable_database_does_not_count(self, limited, user, no_database):
        client = limited(rate_limit_login="2 per minute")
        statuses = [sign_in(client, user.email) for _ in range(3)]

        assert statuses == [503] * 3

    def test_429_of_another_limit_does_not_count(self, limited, user, clock):
        client = limited(rate_limit_login="3 per hour", rate_limit_login_account="2 per minute")
        statuses = fail(client, user.email, 6)
        clock(61)

        assert statuses == [401, 401, 429, 429, 429, 429]
        assert sign_in(client, user.email) == 200

    @pytest.mark.parametrize("storage", ["memory", "redis"])
    def test_concurrent_failures_do_not_exceed_the_limit(
        self, limited, monkeypatch, request, storage
    ):
        redis_url = request.getfixturevalue("redis_url") if storage == "redis" else ""
        client = limited(rate_limit_login="3 per minute", redis_url=redis_url)
        barrier, lookups = Barrier(8), []

        def guess(*_, **__):
            lookups.append(1)
            raise WrongCredentials

        def send(_):
            barrier.wait(30)
            return client.application.test_client().post(LOGIN, json=body).status_code

        body = {"email": f"{uuid4().hex}@example.com", "password": "wrong"}
        monkeypatch.setattr(sign_ins, "find_account", guess)
        with ThreadPoolExecutor(8) as threads:
            statuses = sorted(threads.map(send, range(8)))

        assert statuses == [401] * 3 + [429] * 5
        assert len(lookups) == 3

    def test_counts_an_address_for_all_accounts(self, limited, session):
        client = limited(rate_limit_login_address="2 per minute")
        emails = [UserFactory().email for _ in range(3)]
        statuses = [sign_in(client, email, environ_base=HERE) for email in emails]

        assert statuses == [200, 200, 429]
        assert sign_in(client, emails[2], environ_base=THERE) == 200

    def test_counts_a_retried_transaction_once(self, limited, user, monkeypatch):
        client, attempts = limited(rate_limit_login="2 per minute"), []

        def stale_once(*_, **__):
            attempts.append(1)
            raise StaleDataError if len(attempts) == 1 else WrongCredentials

        with monkeypatch.context() as patch:
            patch.setattr(sign_ins, "find_account", stale_once)
            assert sign_in(client, user.email) == 401

        assert len(attempts) == 2
        assert fail(client, user.email, 2) == [401, 429]

    @pytest.mark.parametrize(
        ("data", "content_type", "status"),
        [
            ("{}", "text/plain", 415),
            (b" " * (1 << 20) + b" ", "application/json", 413),
            ("{", "application/json", 400),
            ("[" * 100_000, "application/json", 400),
            ("[]", "application/json", 422),
            ('{"email": 1}', "application/json", 422),
            ('{"email": "\\ud800"}', "application/json", 422),
        ],
    )
    def test_body_without_an_account_counts_against_its_address(
        self, limited, data, content_type, status
    ):
        client = limited(rate_limit_login="2 per minute")
        body = {"data": data, "content_type": content_type}
        statuses = [client.post(LOGIN, **body).status_code for _ in range(3)]

        assert statuses == [status, status, 429]


@pytest.mark.parametrize(
    "rates",
    [
        {"rate_limit_login_address": "2 per minute"},
        {"rate_limit_login_address": "2 per hour"},
        {"rate_limit_default": "2 per day"},
    ],
)
def test_429_of_the_address_does_not_count_for_the_account(limited, user, rates):
    client = limited(rate_limit_login="5 per minute", **rates)
    wrong = {"email": user.email, "password": "wrong"}
    for _ in range(8):
        client.post(LOGIN, json=wrong, environ_base=HERE)

    assert sign_in(client, user.email, environ_base=THERE) == 200
