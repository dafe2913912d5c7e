"""Log lines: format, content of the line of a request, and exceptions."""

import errno
import io
import json
import logging as standard
import sys
from datetime import datetime

import pytest
from loguru import logger
from sqlalchemy import create_engine

from app.db.database import make_sessions
from app.observability import logging
from tests.support.api_keys import new_key
from tests.support.clients import ApiClient

STRONG = "0123456789abcdef0123456789abcdef"
PRODUCTION = {
    "flask_env": "production",
    "secret_key": STRONG,
    "allowed_hosts": ("localhost",),
    "log_level": "INFO",
}


@pytest.fixture
def production(make_app, capsys):
    """Return a client in production; `make_app` resets the logger before capsys ends."""
    return ApiClient(make_app(**PRODUCTION))


@pytest.fixture
def lines(capsys):
    """Return a function that reads the new log lines as JSON."""

    def read():
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read


class TestUnwritableStream:
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    @pytest.mark.parametrize("stream", [None, io.StringIO(), io.TextIOWrapper(Full())])
    def test_does_not_fail_the_request(self, production, monkeypatch, stream):
        monkeypatch.setattr(sys, "stderr", stream)

        assert production.get("/api/health").status_code == 200


class TestRequestLine:
    def test_has_user_route_and_status(self, production, lines, user):
        production.signed_in(user)
        lines()
        response = production.delete("/api/notes/note_x", headers={"X-Request-ID": "mine"})
        (line,) = lines()

        assert response.status_code == line["status"] == 404
        assert line["ms"] > 0
        assert datetime.fromisoformat(line["time"]).tzinfo
        assert (
            line.items()
            >= {
                "level": "INFO",
                "message": "request",
                "request_id": "mine",
                "user": user.id,
                "method": "DELETE",
                "route": "/api/notes/<note_id>",
            }.items()
        )

    @pytest.mark.parametrize(
        ("method", "url", "status", "route"),
        [
            ("GET", "/api/health", 200, "/api/health"),
            ("GET", "/api/nothing?email=unknown@example.com", 404, None),
            ("PUT", "/api/notes", 405, None),
            ("GET", "/api/users/me?email=unknown@example.com", 401, "/api/users/me"),
            ("POST", "/api/auth/login", 415, "/api/auth/login"),
        ],
    )
    def test_is_written_for_every_response(self, production, lines, method, url, status, route):
        production.open(url, method=method)
        (line,) = lines()

        assert (line["status"], line["route"], line["user"]) == (status, route, None)
        assert "unknown" not in str(line)

    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("/api/nothing?token=secret", "/api/nothing"),
            ("/api/a%0Ab%1b[31m", "/api/a%0Ab%1B%5B31m"),
            ("/api/%E2%80%AEx", "/api/%E2%80%AEx"),
            ("/api/" + "x" * 5000, "/api/" + "x" * 195),
        ],
    )
    def test_has_the_path_if_there_is_no_route(self, production, lines, url, path):
        production.get(url)
        (line,) = lines()

        assert (line["status"], line["route"], line["path"]) == (404, None, path)
        assert "secret" not in str(line)

    def test_names_a_revoked_api_key(self, production, lines, user):
        production.signed_in(user)
        key = new_key(production)
        production.delete(f"/api/api-keys/{key['id']}")
        production.tokens = {"access_token": key["key"]}
        lines()
        production.get("/api/users/me")
        (line,) = lines()

        assert (line["status"], line["key"]) == (401, key["id"])

    def test_has_no_path_if_there_is_a_route(self, production, lines):
        production.get("/api/notes/note_x")

        assert "path" not in lines()[0]

    def test_time_includes_the_wait_for_a_connection_of_the_pool(
        self, production, lines, monkeypatch, own_engine
    ):
        seconds = 0.2
        pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": seconds}
        engine = create_engine(own_engine.url, **pool)
        sessions = make_sessions(engine)
        monkeypatch.setitem(production.application.extensions, "sessions", sessions)
        with engine.connect():
            assert production.get("/api/notes/note_x").status_code == 503
        engine.dispose()

        assert lines()[-1]["ms"] >= seconds * 1000

    def test_has_no_user_after_sign_out(self, production, lines, user):
        production.signed_in(user)
        production.post("/api/auth/logout")
        lines()
        production.get("/api/notes/mine")

        assert [(line["status"], line["user"]) for line in lines()] == [(401, None)]

    def test_is_written_for_a_rejected_host(self, production, lines):
        production.get("/api/health", headers={"Host": "evil.example"})

        assert [line["status"] for line in lines()] == [400]


class TestExceptions:
    def test_is_one_line_with_the_traceback(self, production, lines, during_get):
        during_get(lambda _: 1 / 0)
        response = production.get("/api/notes/abc")
        error, request = lines()

        assert (error["level"], error["message"]) == ("ERROR", "Unexpected exception")
        assert error["exception"].startswith("Traceback")
        assert error["exception"].rstrip().endswith("ZeroDivisionError: division by zero")
        assert error["request_id"] == request["request_id"] == response.json["request_id"]
        assert request["status"] == 500

    def test_text_that_utf8_cannot_hold_loses_no_line(self, production, lines, during_get):
        def fail(_):
            raise ValueError("\ud800")

        during_get(fail)
        production.get("/api/notes/abc")

        assert [line["level"] for line in lines()] == ["ERROR", "INFO"]


class TestStandardLibrary:
    @pytest.mark.usefixtures("production")
    def test_messages_of_libraries_are_written(self, lines):
        library = standard.getLogger("some.library")
        library.info("50%% of %s {braces} <b>", "it")
        library.log(25, "numbered")
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            library.exception("failed")

        info, numbered, failed = lines()
        assert (info["level"], info["message"]) == ("INFO", "50% of it {braces} <b>")
        assert numbered["level"] == "Level 25"
        assert failed["exception"].rstrip().endswith("ZeroDivisionError: division by zero")

    @pytest.mark.usefixtures("production")
    def test_level_applies_to_libraries(self, lines):
        standard.getLogger("some.library").debug("hello")
        standard.getLogger("werkzeug").info("hello")

        assert lines() == []


class TestConfigure:
    def test_message_of_many_lines_is_one_line(self, production, lines):
        logger.warning("one\ntwo")

        assert [line["message"] for line in lines()] == ["one\ntwo"]

    def test_line_outside_a_request_has_no_request_id(self, production, lines):
        logger.warning("hello")

        assert "request_id" not in lines()[0]

    def test_second_call_adds_no_second_sink(self, production, settings, capsys):
        logging.configure(settings)
        logging.configure(settings)
        logger.warning("hello")

        assert capsys.readouterr().err.count("hello") == 1

    def test_development_is_readable(self, make_app, capsys):
        client = ApiClient(make_app(flask_env="development", log_level="INFO"))
        client.get("/api/health", headers={"X-Request-ID": "mine"})
        (line,) = capsys.readouterr().err.splitlines()

        assert "INFO" in line
        assert "mine" in line
        assert not line.startswith("{")
