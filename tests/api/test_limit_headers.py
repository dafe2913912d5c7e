"""The standard RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""

import re

import pytest

NOTES, LOGIN = "/api/notes", "/api/auth/login"


def parsed(header):
    """Return the parameters of each limit: {"default": {"q": 300, "w": 60}}."""
    items = re.findall(r'"([a-z0-9_-]+)"((?:;[a-z]=\d+)+)', header)
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


class TestSeveralRates:
    """A limit with several rates has a policy for each."""

    @pytest.fixture
    def client(self, limited):
        return limited(rate_limit_default="2 per minute; 3 per hour; 3 per hour")

    def test_each_policy_has_its_own_name(self, client):
        headers = client.get(NOTES).headers

        policies = {"default-2-60": {"q": 2, "w": 60}, "default-3-3600": {"q": 3, "w": 3600}}
        assert parsed(headers["RateLimit-Policy"]) == policies
        assert headers["RateLimit-Policy"].count(";q=") == len(policies)
        assert parsed(headers["RateLimit"]).keys() == policies.keys()

    def test_policy_with_the_fewest_requests_left_is_first(self, client, clock):
        def nearest():
            return next(iter(parsed(client.get(NOTES).headers["RateLimit"])))

        assert [nearest(), nearest()] == ["default-2-60"] * 2
        clock(61)
        assert nearest() == "default-3-3600"

    def test_429_names_the_limit_and_its_policy(self, client):
        response = [client.get(NOTES) for _ in range(3)][-1]

        assert (response.status_code, response.json["limit"]) == (429, "default")
        assert parsed(response.headers["RateLimit"]).keys() == {"default-2-60"}
