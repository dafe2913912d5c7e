"""Rate limits: keys, counters and response headers."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy.orm.exc import StaleDataError

from app.auth.limits import NAMES, in_seconds, limiter
from services import sessions
from services.errors import WrongCredentials
from tests.support.factories import PASSWORD, UserFactory
from tests.support.openapi import objects, reachable

PRODUCTS = "/api/notes"
LOGIN = "/api/auth/login"
HERE, THERE = {"REMOTE_ADDR": "203.0.113.1"}, {"REMOTE_ADDR": "203.0.113.2"}


def gets(client, times, url=PRODUCTS, **options):
    return [client.get(url, **options).status_code for _ in range(times)]


def sign_in(client, email, **options):
    return client.post(LOGIN, json={"email": email, "password": PASSWORD}, **options).status_code


class TestDefault:
    def test_counts_an_address(self, limited):
        client = limited(rate_limit_default="2 per minute")

        assert gets(client, 3, environ_base=HERE) == [200, 200, 429]
        assert gets(client, 1, environ_base=THERE) == [200]

    @pytest.mark.parametrize(
        ("first", "second", "shared"),
        [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("::ffff:203.0.113.1", "::ffff:203.0.113.2", False),
            ("::ffff:203.0.113.1", "203.0.113.1", True),
            ("fe80::1%eth0", "fe80::2%eth0", True),
            ("x" * 4000, "x" * 4000, True),
            ("", "", True),
        ],
    )
    def test_address_is_what_one_customer_has(self, limited, first, second, shared):
        client = limited(rate_limit_default="1 per minute")

        assert gets(client, 1, environ_base={"REMOTE_ADDR": first}) == [200]
        assert gets(client, 1, environ_base={"REMOTE_ADDR": second}) == [429 if shared else 200]
        assert limiter.storage.memory.windows
        assert all(len(key) < 200 for key in limiter.storage.memory.windows)

    def test_counts_a_user_wherever_they_are(self, limited, as_user, as_admin):
        client = limited(rate_limit_default="2 per minute")
        client.tokens = as_user.tokens
        first = gets(client, 2, environ_base=HERE) + gets(client, 1, environ_base=THERE)
        client.tokens = as_admin.tokens

        assert first == [200, 200, 429]
        assert gets(client, 1, environ_base=HERE) == [200]

    def test_bad_tokens_count_against_their_address(self, limited):
        client = limited(rate_limit_default="3 per minute")
        headers = [{"Authorization": f"Bearer garbage.{n}.x"} for n in range(3)]
        statuses = [client.get("/api/users/me", headers=bad).status_code for bad in headers]

        assert statuses == [401, 401, 401]
        assert gets(client, 1) == [429]

    @pytest.mark.parametrize(
        ("method", "url", "status"),
        [
            ("GET", "/api/nothing", 404),
            ("PUT", PRODUCTS, 405),
            ("GET", "/api/users/me", 401),
            ("GET", "/api/static/nothing.css", 404),
        ],
    )
    def test_errors_count(self, limited, method, url, status):
        client = limited(rate_limit_default="2 per minute")
        statuses = [client.open(url, method=method).status_code for _ in range(3)]

        assert statuses == [status, status, 429]

    @pytest.mark.parametrize(
        ("method", "url"),
        [
            ("GET", "/api/health"),
            ("GET", "/api/health/live"),
            ("GET", "/api/health/ready"),
            ("OPTIONS", PRODUCTS),
        ],
    )
    def test_probes_and_options_do_not(self, limited, method, url):
        client = limited(rate_limit_default="1 per minute")

        assert [client.open(url, method=method).status_code for _ in range(3)] == [200] * 3
        assert gets(client, 1) == [200]

    def test_all_endpoints_and_methods_count_together(self, limited):
        client = limited(rate_limit_default="3 per minute")
        urls = [
            ("GET", PRODUCTS),
            ("HEAD", PRODUCTS),
            ("GET", "/api/nothing"),
            ("GET", "/api/docs"),
        ]

        assert [client.open(url, method=method).status_code for method, url in urls][-1] == 429

    def test_window_moves(self, limited, clock):
        client = limited(rate_limit_default="2 per minute")
        statuses = gets(client, 1)
        clock(59)
        statuses += gets(client, 1)
        clock(2)

        assert statuses + gets(client, 2) == [200, 200, 200, 429]


def fail(client, email, times=1, **options):
    """Return the statuses of sign-ins with a wrong password."""
    body = {"email": email, "password": "wrong"}
    return [client.post(LOGIN, json=body, **options).status_code for _ in range(times)]


class TestLogin:
    def test_counts_failures_of_an_account_however_it_is_written(self, limited, user):
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

    def test_success_takes_no_failure_back(self, limited, user):
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

    def test_outage_is_no_failure(self, limited, user, no_database):
        client = limited(rate_limit_login="2 per minute")
        statuses = [sign_in(client, user.email) for _ in range(3)]

        assert statuses == [503] * 3

    def test_refusal_by_another_limit_is_no_failure(self, limited, user, clock):
        client = limited(rate_limit_login="3 per hour", rate_limit_login_account="2 per minute")
        statuses = fail(client, user.email, 6)
        clock(61)

        assert statuses == [401, 401, 429, 429, 429, 429]
        assert sign_in(client, user.email) == 200

    @pytest.mark.parametrize("storage", ["memory", "redis"])
    def test_parallel_guesses_do_not_slip_through(self, limited, monkeypatch, request, storage):
        redis_url = request.getfixturevalue("redis_url") if storage == "redis" else ""
        client = limited(rate_limit_login="3 per minute", redis_url=redis_url)
        together, looked_at = Barrier(8), []

        def guess(*_, **__):
            looked_at.append(1)
            raise WrongCredentials

        def send(_):
            together.wait(30)
            return client.application.test_client().post(LOGIN, json=body).status_code

        body = {"email": f"{uuid4().hex}@example.com", "password": "wrong"}
        monkeypatch.setattr(sessions, "find_account", guess)
        with ThreadPoolExecutor(8) as threads:
            statuses = sorted(threads.map(send, range(8)))

        assert statuses == [401] * 3 + [429] * 5
        assert len(looked_at) == 3

    def test_counts_an_address_whatever_the_account(self, limited, session):
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
            patch.setattr(sessions, "find_account", stale_once)
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


class TestRegistration:
    def test_counts_an_address(self, limited):
        client = limited(rate_limit_register="2 per hour")
        statuses = [
            client.post("/api/auth/register", json={}, environ_base=HERE).status_code
            for _ in range(3)
        ]

        assert statuses == [422, 422, 429]
        assert client.post("/api/auth/register", json={}, environ_base=THERE).status_code == 422


class TestSecrets:
    """Each operation that takes a password has a limit of its own."""

    def test_password_change_counts_an_account_in_all_its_sessions(self, limited, user, admin):
        client = limited(rate_limit_password="2 per minute")
        body = {"current_password": "wrong", "new_password": "another battery staple"}

        def change():
            return client.put("/api/users/me/password", json=body).status_code

        statuses = [change()]
        client.signed_in(user)
        statuses += [change()]
        client.signed_in(user)
        statuses += [change(), change()]
        client.signed_in(admin)

        assert statuses == [401, 422, 422, 429]
        assert change() == 422

    def test_no_operation_takes_guesses_at_the_default_rate(
        self, limited, document, operations, as_user
    ):
        strict = dict.fromkeys(
            (f"rate_limit_{name}" for name in NAMES if name != "default"), "2 per minute"
        )
        client = limited(**strict)
        client.tokens = as_user.tokens
        schemas = document["components"]["schemas"]
        secret = [
            (operation.path, operation.method)
            for operation in operations
            for name in reachable(operation.body or {}, schemas)
            if any(part.get("format") == "password" for part in objects(schemas[name]))
        ]
        third = {
            (path, method): [client.open(path, method=method, json={}) for _ in range(3)][-1]
            for path, method in secret
        }

        assert len(third) == 3
        assert {response.status_code for response in third.values()} == {429}


class TestQuota:
    def test_is_told_with_a_success(self, limited):
        client = limited(rate_limit_default="3 per minute")
        first, second = client.get(PRODUCTS).headers, client.get(PRODUCTS).headers

        assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("3", "2")
        assert second["X-RateLimit-Remaining"] == "1"
        assert 55 < int(second["X-RateLimit-Reset"]) - time.time() <= 61
        assert "Retry-After" not in second

    def test_is_that_of_the_limit_which_is_nearest(self, limited, user):
        client = limited(rate_limit_login="5 per minute", rate_limit_login_address="20 per minute")
        body = {"email": user.email, "password": PASSWORD}

        assert client.post(LOGIN, json=body).headers["X-RateLimit-Limit"] == "5"

    def test_is_told_with_a_429_that_says_truly_when_to_retry(self, limited, clock):
        client = limited(rate_limit_default="2 per minute")
        gets(client, 1)
        clock(20)
        gets(client, 1)
        refused = client.get(PRODUCTS)
        wait = int(refused.headers["Retry-After"])

        assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (429, "0")
        assert (refused.json["limit"], refused.json["retry_after"]) == ("default", wait)
        assert 39 <= wait <= 42
        clock(wait - 2)
        assert gets(client, 1) == [429]
        clock(2)
        assert gets(client, 1) == [200]


@pytest.mark.parametrize(
    "rates",
    [
        {"rate_limit_login_address": "2 per minute"},
        {"rate_limit_login_address": "2 per hour"},
        {"rate_limit_default": "2 per day"},
    ],
)
def test_address_over_its_limit_uses_up_no_other_limit(limited, user, rates):
    client = limited(rate_limit_login="5 per minute", **rates)
    wrong = {"email": user.email, "password": "wrong"}
    for _ in range(8):
        client.post(LOGIN, json=wrong, environ_base=HERE)

    assert sign_in(client, user.email, environ_base=THERE) == 200


def test_two_rates_of_one_limit_both_hold(limited, clock):
    client = limited(rate_limit_default="2 per second; 3 per minute")
    first = gets(client, 3)
    clock(2)

    assert first + gets(client, 2) == [200, 200, 429, 200, 429]


def test_rates_are_written_in_seconds():
    assert in_seconds("5 per minute; 2/day") == "5 per 60 second; 2 per 86400 second"
