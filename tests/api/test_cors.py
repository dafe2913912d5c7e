"""Cross-origin requests."""

from dataclasses import replace

import pytest

from app import create_app
from app.settings import Settings

ORIGIN = "https://shop.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, idempotency-key",
}


@pytest.fixture
def shared(settings):
    """Return a client of an application with one allowed origin."""
    return create_app(replace(settings, cors_origins=(ORIGIN,))).test_client()


@pytest.fixture
def allowed(settings):
    """Return a function: does `CORS_ORIGINS` allow `origin`?"""

    def ask(cors_origins, origin):
        given = {
            "FLASK_ENV": "testing",
            "SECRET_KEY": settings.secret_key,
            "DATABASE_URL": settings.database_url,
            "LOG_LEVEL": settings.log_level,
            "CORS_ORIGINS": cors_origins,
        }
        client = create_app(Settings.load(given)).test_client()
        headers = client.get("/api/health", headers={"Origin": origin}).headers
        return headers.getlist("Access-Control-Allow-Origin") == [origin]

    return ask


class TestWithoutOrigins:
    def test_no_origin_is_allowed(self, client):
        response = client.options("/api/auth/logout", headers=PREFLIGHT)

        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


class TestWithOrigins:
    def test_unlisted_origin_is_not_allowed(self, shared):
        response = shared.get("/api/health", headers={"Origin": "https://other.example"})

        assert "Access-Control-Allow-Origin" not in response.headers

    def test_credentials_are_not_allowed(self, shared):
        response = shared.get("/api/health", headers={"Origin": ORIGIN})

        assert "Access-Control-Allow-Credentials" not in response.headers

    def test_preflight_allows_post_and_its_headers(self, shared):
        headers = shared.options("/api/auth/logout", headers=PREFLIGHT).headers

        assert headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "POST" in headers["Access-Control-Allow-Methods"]
        allowed = headers["Access-Control-Allow-Headers"].lower()
        assert {"authorization", "idempotency-key"} <= set(allowed.split(", "))

    def test_preflight_allows_each_header_of_the_document(self, shared, operations):
        names = {
            parameter["name"].lower()
            for operation in operations
            for parameter in operation.parameters
            if parameter["in"] == "header"
        }
        requested = ", ".join(sorted(names))
        headers = {**PREFLIGHT, "Access-Control-Request-Headers": requested}

        response = shared.options("/api/auth/logout", headers=headers)

        assert response.headers["Access-Control-Allow-Headers"].lower() == requested

    def test_origin_can_read_responses_and_errors(self, shared):
        for path in ("/api/health", "/api/nowhere"):
            headers = shared.get(path, headers={"Origin": ORIGIN}).headers

            assert headers["Access-Control-Allow-Origin"] == ORIGIN
            assert headers["Access-Control-Expose-Headers"] == "*"

    @pytest.mark.parametrize("origin", [None, ORIGIN, "https://other.example"])
    def test_responses_vary_by_origin(self, shared, origin):
        headers = {"Origin": origin} if origin else {}

        assert "Origin" in shared.get("/api/health", headers=headers).vary

    def test_response_without_origin_does_not_reveal_the_origins(self, shared):
        assert "Access-Control-Allow-Origin" not in shared.get("/api/health").headers


class TestMatching:
    @pytest.mark.parametrize(
        ("setting", "origin"),
        [
            ("https://shop.example", "https://shop.example"),
            ("HTTPS://Shop.example", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://*.example.com", "https://app.example.com"),
            ("https://*.example.com", "https://a.b.example.com"),
            ("https://*.example.com:8443", "https://app.example.com:8443"),
            ("https://other.example, https://*.example.com", "https://app.example.com"),
        ],
    )
    def test_listed_origin_is_allowed(self, allowed, setting, origin):
        assert allowed(setting, origin)

    @pytest.mark.parametrize(
        ("setting", "origin"),
        [
            ("https://shop.example", "http://shop.example"),
            ("https://shop.example", "https://shop.example.evil.test"),
            ("https://shop.example", "https://shop.example:8443"),
            ("https://shop.example", "https://shopxexample"),
            ("https://shop.example", "null"),
            ("http://[::1]:3000", "http://:"),
            ("https://*.example.com", "https://example.com"),
            ("https://*.example.com", "https://xexample.com"),
            ("https://*.example.com", "https://xexample.com.evil.test"),
            ("https://*.example.com", "https://app.example.com.evil.test"),
            ("https://*.example.com", "https://app.examplexcom"),
            ("https://*.example.com", "https://evil.test/app.example.com"),
            ("https://*.example.com", "https://evil.test#.example.com"),
            ("https://*.example.com", "https://evil.test@app.example.com"),
            ("https://*.example.com", "http://app.example.com"),
            ("https://*.example.com", "https://app.example.com:8443"),
            ("https://*.example.com", "https://.example.com"),
            ("https://*.example.com", "https://a..example.com"),
        ],
    )
    def test_other_origin_is_not_allowed(self, allowed, setting, origin):
        assert not allowed(setting, origin)
