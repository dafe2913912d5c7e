"""Headers of every response."""

import pytest

from tests.support.factories import PASSWORD

URLS = ["/api/health", "/api/nothing", "/api/docs", "/api/static/redoc.js", "/api/openapi.json"]


class TestSecurityHeaders:
    @pytest.mark.parametrize("url", URLS)
    def test_responses_have_security_headers(self, client, url):
        headers = client.get(url, buffered=True).headers

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]

    def test_500_has_security_headers(self, client, during_get):
        during_get(lambda _: 1 / 0)
        response = client.get("/api/notes/abc")

        assert response.status_code == 500
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Cache-Control"] == "no-store"

    def test_only_the_docs_may_run_scripts(self, client):
        assert "script-src 'self'" in client.get("/api/docs").headers["Content-Security-Policy"]
        assert "script-src" not in client.get("/api/health").headers["Content-Security-Policy"]

    @pytest.mark.parametrize(("scheme", "there"), [("http", False), ("https", True)])
    def test_https_responses_have_hsts(self, client, scheme, there):
        response = client.get("/api/health", base_url=f"{scheme}://api.example.com")

        assert ("Strict-Transport-Security" in response.headers) == there


class TestCaching:
    def test_tokens_are_not_cached(self, client, user):
        credentials = {"email": user.email, "password": PASSWORD}
        signed_in = client.post("/api/auth/login", json=credentials)
        refreshed = client.post(
            "/api/auth/refresh", json={"refresh_token": signed_in.json["refresh_token"]}
        )

        assert (signed_in.status_code, refreshed.status_code) == (200, 200)
        assert signed_in.cache_control.no_store
        assert refreshed.cache_control.no_store

    @pytest.mark.parametrize("url", ["/api/users/me", "/api/notes/mine", "/api/auth/sessions"])
    def test_personal_data_is_private(self, as_user, url):
        response = as_user.get(url)

        assert response.status_code == 200
        assert response.cache_control.private
        assert not response.cache_control.public

    @pytest.mark.parametrize("url", ["/api/users/me", "/api/nothing"])
    def test_errors_are_not_cached(self, client, url):
        assert client.get(url).cache_control.no_store

    def test_assets_of_the_docs_are_cached(self, client):
        response = client.get("/api/static/redoc.js", buffered=True)

        assert response.cache_control.max_age == 3600
        assert not response.cache_control.no_store


class TestLength:
    def test_response_without_a_body_has_no_content_length(self, as_user):
        response = as_user.post("/api/auth/logout")

        assert response.status_code == 204
        assert "Content-Length" not in response.headers

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_content_length_equals_the_body(self, as_user, method):
        body = as_user.get("/api/users/me").data

        response = as_user.open("/api/users/me", method=method)

        assert response.content_length == len(body)


class TestJSON:
    def test_json_is_utf8_without_escapes(self, as_user):
        response = as_user.patch("/api/users/me", json={"name": "Zoë 😀"})

        assert "Zoë 😀".encode() in response.data
        assert response.mimetype == "application/json"
