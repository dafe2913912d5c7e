"""The standard RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""

import re

import pytest

NOTES, LOGIN = "/api/notes", "/api/auth/login"


def parsed(header):
    """Return the parameters of each limit: {"default": {"q": 300, "w": 60}}."""
    items = re.findall(r'"([a-z_]+)"((?:;[a-z]=\d+)+)', header)
    return {
        name: {k: int(v) for k, v in re.findall(r"([a-z])=(\d+)", rest)} for name, rest in items
    }


@pytest.fixture
def client(limited):
    return limited(rate_limit_default="3 per minute", rate_limit_login="2 per hour")


class TestRateLimitHeaders:
    def test_policy_has_quota_and_window(self, client):
        policy = parsed(client.get(NOTES).headers["RateLimit-Policy"])

        assert policy == {"default": {"q": 3, "w": 60}}

    def test_state_has_remaining_requests_and_seconds(self, client):
        states = [parsed(client.get(NOTES).headers["RateLimit"]) for _ in range(2)]

        assert [state["default"]["r"] for state in states] == [2, 1]
        assert all(0 < state["default"]["t"] <= 60 for state in states)

    def test_all_limits_of_the_request_are_listed(self, client):
        headers = client.post(LOGIN, json={"email": "a@example.com", "password": "wrong"}).headers

        assert parsed(headers["RateLimit-Policy"]).keys() == parsed(headers["RateLimit"]).keys()
        assert parsed(headers["RateLimit-Policy"])["login"] == {"q": 2, "w": 3600}
        assert parsed(headers["RateLimit"])["login"]["r"] == 1

    def test_429_has_no_requests_left(self, client):
        response = [client.get(NOTES) for _ in range(4)][-1]
        state = parsed(response.headers["RateLimit"])["default"]

        assert response.status_code == 429
        assert state["r"] == 0
        assert abs(state["t"] - int(response.headers["Retry-After"])) <= 1

    def test_health_checks_have_none(self, client):
        assert "RateLimit" not in client.get("/api/health").headers
