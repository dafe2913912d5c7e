"""Cross-origin requests."""

from dataclasses import replace

import pytest

from app import create_app

ORIGIN = "https://shop.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, idempotency-key",
}


@pytest.fixture
def shared(settings):
    """A client of a service that shares with one origin."""
    return create_app(replace(settings, cors_origins=(ORIGIN,))).test_client()


class TestWithoutOrigins:
    def test_nobody_may(self, client):
        answer = client.options("/api/auth/logout", headers=PREFLIGHT)

        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


class TestWithOrigins:
    def test_another_origin_may_not(self, shared):
        answer = shared.get("/api/health", headers={"Origin": "https://other.example"})

        assert "Access-Control-Allow-Origin" not in answer.headers

    def test_no_cookies_are_asked_for(self, shared):
        answer = shared.get("/api/health", headers={"Origin": ORIGIN})

        assert "Access-Control-Allow-Credentials" not in answer.headers

    def test_preflight_allows_what_the_api_takes(self, shared):
        headers = shared.options("/api/auth/logout", headers=PREFLIGHT).headers

        assert headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "POST" in headers["Access-Control-Allow-Methods"]
        allowed = headers["Access-Control-Allow-Headers"].lower()
        assert {"authorization", "idempotency-key"} <= set(allowed.split(", "))

    def test_answers_and_problems_can_be_read(self, shared):
        for path in ("/api/health", "/api/nowhere"):
            headers = shared.get(path, headers={"Origin": ORIGIN}).headers

            assert headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "X-Request-ID" in headers["Access-Control-Expose-Headers"]
