"""Every error response is a problem document (RFC 9457)."""

import dataclasses

import pytest
from flask import abort
from sqlalchemy import create_engine, text

from app.db.database import make_engine
from services.errors import EmailTaken, InvalidInput

NOTE = "/api/notes/abc"
REGISTER = "/api/auth/register"
JSON = {"content_type": "application/json"}
# One request for each source of errors, with the expected status and slug.
ERRORS = [
    ("GET", "/api/nothing", {}, 404, "not-found"),
    ("GET", "/", {}, 404, "not-found"),
    ("GET", "/api/static/nothing.js", {}, 404, "not-found"),
    ("GET", "/api/static/%00", {}, 404, "not-found"),
    ("GET", "/api/static/../settings.py", {}, 404, "not-found"),
    ("GET", NOTE, {}, 404, "not-found"),
    ("GET", "/api/notes/%00", {}, 404, "not-found"),
    ("GET", "/api/notes/%FF", {}, 404, "not-found"),
    ("GET", "/api/notes/", {}, 404, "not-found"),
    ("GET", "/api//notes", {}, 404, "not-found"),
    ("GET", "//api/notes", {}, 404, "not-found"),
    ("DELETE", "/api/notes", {}, 405, "method-not-allowed"),
    ("BREW", "/api/notes", {}, 405, "method-not-allowed"),
    ("POST", REGISTER, {"data": b" " * (1 << 20) + b" ", **JSON}, 413, "content-too-large"),
    ("POST", REGISTER, {"data": {"email": "a@b.example"}}, 415, "unsupported-media-type"),
    ("POST", REGISTER, {"data": "{", **JSON}, 400, "malformed-body"),
    ("POST", REGISTER, {"json": {}}, 422, "invalid-input"),
    ("GET", "/api/notes?limit=0", {}, 422, "invalid-input"),
    ("GET", "/api/users/me", {}, 401, "unauthenticated"),
    ("GET", "/api/users/me", {"auth": ("user", "password")}, 401, "unauthenticated"),
    (
        "POST",
        "/api/auth/login",
        {"json": {"email": "unknown@example.com", "password": "wrong"}},
        401,
        "wrong-credentials",
    ),
    ("POST", "/api/auth/refresh", {"json": {"refresh_token": "x"}}, 401, "invalid-refresh-token"),
]


def run(*statements):
    return lambda session: [session.execute(text(statement)) for statement in statements]


class TestErrors:
    @pytest.mark.parametrize(("method", "url", "options", "status", "slug"), ERRORS)
    def test_is_a_problem_document(self, client, method, url, options, status, slug):
        response = client.open(url, method=method, **options)

        assert response.status_code == status
        assert response.mimetype == "application/problem+json"
        assert response.json.keys() - {"errors"} == {
            "type",
            "title",
            "status",
            "detail",
            "request_id",
        }
        assert response.json["type"] == f"/api/problems/{slug}"
        assert (response.json["status"], "Location" in response.headers) == (status, False)
        assert all(response.json.values())
        assert ("WWW-Authenticate" in response.headers) == (status == 401)

    def test_missing_scope_returns_403(self, as_user):
        response = as_user.get("/api/users")

        assert (response.status_code, response.json["type"]) == (403, "/api/problems/forbidden")

    def test_405_has_the_allow_header(self, client):
        response = client.delete("/api/notes")

        assert response.allow.as_set() >= {"get", "head", "post"}
        assert "delete" not in response.allow

    def test_422_has_pointers(self, client):
        response = client.post(REGISTER, json={"email": "x", "password": "long enough"})

        assert response.json["errors"] == [
            {"pointer": "/email", "detail": "Not a valid email address."}
        ]

    @pytest.mark.parametrize("url", ["/api/nothing", "/api/users/me", "/api/notes?limit=0"])
    def test_head_has_the_headers_of_get_and_no_body(self, app, url):
        client = app.test_client()
        head, get = client.head(url), client.get(url)

        assert (head.status_code, head.data) == (get.status_code, b"")
        assert head.content_type == "application/problem+json"
        assert head.headers.get("WWW-Authenticate") == get.headers.get("WWW-Authenticate")

    def test_response_has_the_members_and_headers_of_the_error(self, app, during_get):
        def refuse(_):
            raise InvalidInput(errors=[{"pointer": "/a"}], headers={"X-Reason": "test"})

        during_get(refuse)
        response = app.test_client().get(NOTE)

        assert response.json["errors"] == [{"pointer": "/a"}]
        assert response.headers["X-Reason"] == "test"

    def test_status_without_a_problem_type_has_about_blank(self, app, during_get):
        during_get(lambda _: abort(418))
        response = app.test_client().get(NOTE)

        assert response.json["type"] == "about:blank"  # RFC 9457, section 4.2.1
        assert response.json["title"] == "I'm a teapot"

    def test_error_before_routing_is_a_problem_document(self, make_app):
        def refuse():
            raise EmailTaken

        app = make_app()
        app.before_request(refuse)
        response = app.test_client().get("/api/health")

        assert (response.status_code, response.mimetype) == (409, "application/problem+json")
        assert response.json["request_id"] == response.headers["X-Request-ID"]


class TestOutages:
    @pytest.fixture(autouse=True)
    def warnings(self, logged):
        """An outage logs a warning with the cause, without a traceback."""
        yield logged
        assert [(record["level"].name, record["exception"]) for record in logged] == [
            ("WARNING", None)
        ]

    @staticmethod
    def assert_unavailable(response):
        assert response.status_code == 503
        assert response.json["type"] == "/api/problems/unavailable"
        assert int(response.headers["Retry-After"]) > 0
        assert "SELECT" not in response.text

    def test_unavailable_database_returns_503(self, client, warnings, no_database):
        self.assert_unavailable(client.get(NOTE))
        assert warnings[0]["message"].startswith("PostgreSQL is unavailable or overloaded: ")

    def test_statement_timeout_returns_503(self, client, warnings, during_get):
        during_get(run("SET LOCAL statement_timeout = 1", "SELECT pg_sleep(5)"))

        self.assert_unavailable(client.get(NOTE))
        assert warnings[0]["message"].startswith("A statement reached its timeout: ")

    def test_lock_timeout_returns_503(self, client, warnings, during_get, engine):
        lock = "SELECT pg_advisory_xact_lock(4711)"
        during_get(run("SET LOCAL lock_timeout = 1", lock))

        with engine.begin() as other:
            other.execute(text(lock))
            self.assert_unavailable(client.get(NOTE))
        assert warnings[0]["message"].startswith("A lock was not released in time: ")

    def test_lost_connection_returns_503(self, client, during_get, settings, use_engine):
        engine = make_engine(settings)
        use_engine(engine)
        during_get(run("SELECT pg_terminate_backend(pg_backend_pid())"))

        self.assert_unavailable(client.get(NOTE))
        engine.dispose()

    def test_no_free_connection_in_time_returns_503(self, client, warnings, settings, use_engine):
        small = {"database_pool_size": 1, "database_pool_overflow": 0}
        engine = make_engine(dataclasses.replace(settings, **small, database_pool_timeout=0.01))
        use_engine(engine)

        with engine.connect():
            self.assert_unavailable(client.get(NOTE))
        engine.dispose()
        assert warnings[0]["message"].startswith("The connection pool is used up: ")

    def test_absent_database_returns_503(self, client, settings, use_engine):
        url = settings.database_url.replace("/test_", "/no_such_")
        use_engine(create_engine(url))

        self.assert_unavailable(client.get(NOTE))


class TestUnexpectedExceptions:
    @pytest.mark.parametrize("action", [run("SELECT no_such_column"), lambda _: {}["no_such_key"]])
    def test_500_has_no_details_and_the_log_has_the_traceback(
        self, client, during_get, logged, action
    ):
        during_get(action)
        response = client.get(NOTE)

        assert response.status_code == 500
        assert response.json["type"] == "/api/problems/internal-server-error"
        assert not any(word in response.text for word in ("no_such", "SELECT", "Traceback", "File"))
        (record,) = logged
        assert record["level"].name == "ERROR"
        assert "no_such" in str(record["exception"].value)
        assert record["exception"].traceback is not None
        assert record["extra"]["request_id"] == response.json["request_id"]

    def test_status_without_a_problem_type_has_about_blank(self, app, during_get):
        during_get(lambda _: abort(418))
        response = app.test_client().get(NOTE)

        assert response.json["type"] == "about:blank"  # RFC 9457, section 4.2.1
        assert response.json["title"] == "I'm a teapot"

    def test_error_before_routing_is_a_problem_document(self, make_app):
        app = make_app()
        app.before_request(lambda: 1 / 0)
        response = app.test_client().get("/api/health")

        assert (response.status_code, response.mimetype) == (500, "application/problem+json")
        assert response.json["request_id"] == response.headers["X-Request-ID"]

    def test_500_has_no_details_in_debug_mode(self, make_app, during_get):
        during_get(run("SELECT no_such_column"))
        response = make_app(flask_env="development", debug=True).test_client().get(NOTE)

        assert (response.status_code, response.mimetype) == (500, "application/problem+json")
        assert "no_such" not in response.text
