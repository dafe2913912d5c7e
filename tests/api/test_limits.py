"""Rate limits: the default limit, its windows and its response headers."""

import time

import pytest

from app.auth.limits import in_seconds, limiter
from tests.support.factories import PASSWORD

NOTES = "/api/notes"
LOGIN = "/api/auth/login"
HERE, THERE = {"REMOTE_ADDR": "203.0.113.1"}, {"REMOTE_ADDR": "203.0.113.2"}


def gets(client, times, url=NOTES, **options):
    return [client.get(url, **options).status_code for _ in range(times)]


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
    def test_addresses_of_one_ipv6_network_share_a_limit(self, limited, first, second, shared):
        client = limited(rate_limit_default="1 per minute")

        assert gets(client, 1, environ_base={"REMOTE_ADDR": first}) == [200]
        assert gets(client, 1, environ_base={"REMOTE_ADDR": second}) == [429 if shared else 200]
        assert limiter.storage.memory.windows
        assert all(len(key) < 200 for key in limiter.storage.memory.windows)

    def test_counts_a_user_from_all_addresses(self, limited, as_user, as_admin):
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
            ("PUT", NOTES, 405),
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
            ("OPTIONS", NOTES),
        ],
    )
    def test_probes_and_options_do_not_count(self, limited, method, url):
        client = limited(rate_limit_default="1 per minute")

        assert [client.open(url, method=method).status_code for _ in range(3)] == [200] * 3
        assert gets(client, 1) == [200]

    def test_all_endpoints_and_methods_count_together(self, limited):
        client = limited(rate_limit_default="3 per minute")
        urls = [
            ("GET", NOTES),
            ("HEAD", NOTES),
            ("GET", "/api/nothing"),
            ("GET", "/api/docs"),
        ]

        assert [client.open(url, method=method).status_code for method, url in urls][-1] == 429

    def test_window_is_moving(self, limited, clock):
        client = limited(rate_limit_default="2 per minute")
        statuses = gets(client, 1)
        clock(59)
        statuses += gets(client, 1)
        clock(2)

        assert statuses + gets(client, 2) == [200, 200, 200, 429]


class TestQuota:
    def test_headers_of_a_success(self, limited):
        client = limited(rate_limit_default="3 per minute")
        first, second = client.get(NOTES).headers, client.get(NOTES).headers

        assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("3", "2")
        assert second["X-RateLimit-Remaining"] == "1"
        assert 55 < int(second["X-RateLimit-Reset"]) - time.time() <= 61
        assert "Retry-After" not in second

    def test_headers_show_the_limit_with_the_fewest_requests_left(self, limited, user):
        client = limited(rate_limit_login="5 per minute", rate_limit_login_address="20 per minute")
        body = {"email": user.email, "password": PASSWORD}

        assert client.post(LOGIN, json=body).headers["X-RateLimit-Limit"] == "5"

    def test_retry_after_of_a_429_is_exact(self, limited, clock):
        client = limited(rate_limit_default="2 per minute")
        gets(client, 1)
        clock(20)
        gets(client, 1)
        response = client.get(NOTES)
        wait = int(response.headers["Retry-After"])

        assert (response.status_code, response.headers["X-RateLimit-Remaining"]) == (429, "0")
        assert (response.json["limit"], response.json["retry_after"]) == ("default", wait)
        assert 39 <= wait <= 42
        clock(wait - 2)
        assert gets(client, 1) == [429]
        clock(2)
        assert gets(client, 1) == [200]


def test_two_rates_of_one_limit_both_hold(limited, clock):
    client = limited(rate_limit_default="2 per second; 3 per minute")
    first = gets(client, 3)
    clock(2)

    assert first + gets(client, 2) == [200, 200, 429, 200, 429]


def test_rates_are_written_in_seconds():
    assert in_seconds("5 per minute; 2/day") == "5 per 60 second; 2 per 86400 second"
