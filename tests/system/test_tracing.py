"""Traces that a collector receives."""

import json
import secrets
import socket

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from sqlalchemy.engine import make_url

from app.observability.span_exporter import ATTRIBUTES
from tests.support.collectors import attribute_values, collecting
from tests.support.factories import PASSWORD
from tests.support.servers import served
from tests.support.waiting import wait_for

ACCOUNT = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Lovelace"}
WRONG = {"email": "unknown@example.com", "password": "wrong"}
PARENT = "00f067aa0ba902b7"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
AT_THE_END = {"OTEL_BSP_SCHEDULE_DELAY": "600000"}


@pytest.fixture(scope="module")
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def own_url(new_database, migrated_url):
    return new_database(make_url(migrated_url).database)


@pytest.fixture(scope="module")
def server(own_url, redis_url, collector):
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with served(own_url, REDIS_URL=redis_url, **endpoint, **SOON) as server:
        yield server


@pytest.fixture
def traced(server, collector):
    """Return a function that sends a traced request, and returns the response and the spans."""

    def send(method, path, **kwargs):
        trace_id = secrets.token_hex(16)
        headers = {"traceparent": f"00-{trace_id}-{PARENT}-01"}
        response = httpx.request(method, f"{server.url}{path}", headers=headers, **kwargs)

        def spans():
            found = collector.trace(trace_id)
            return found if any(span.kind == Span.SPAN_KIND_SERVER for span in found) else None

        return response, wait_for(spans)

    return send


def of_request(spans):
    (span,) = (span for span in spans if span.kind == Span.SPAN_KIND_SERVER)
    return span


class TestSpans:
    def test_request_continues_the_trace_of_its_client(self, traced):
        response, spans = traced("GET", "/api/problems/not-found?x=1")
        span = of_request(spans)

        assert response.status_code == 200
        assert span.name == "GET /api/problems/<slug>"
        assert span.parent_span_id.hex() == PARENT
        assert attribute_values(span.attributes) == {
            "http.method": "GET",
            "http.route": "/api/problems/<slug>",
            "http.status_code": 200,
        }

    def test_request_has_spans_of_sql_and_redis(self, traced):
        response, spans = traced("POST", "/api/auth/login", json=WRONG)
        below = [span for span in spans if span.parent_span_id == of_request(spans).span_id]
        systems = {attribute_values(span.attributes)["db.system"] for span in below}

        assert response.status_code == 401
        assert len(below) == len(spans) - 1
        assert systems == {"postgresql", "redis"}

    def test_unknown_url_has_no_route(self, traced):
        _, spans = traced("GET", "/api/nothing")

        assert of_request(spans).name == "GET"
        assert attribute_values(of_request(spans).attributes) == {
            "http.method": "GET",
            "http.status_code": 404,
        }

    def test_spans_name_the_service(self, traced, collector):
        traced("GET", "/api/health")
        resource = attribute_values(collector.resources()[0].resource.attributes)

        assert resource["service.name"] == "flask-api"
        assert resource["service.version"]


class TestPersonalData:
    def test_spans_contain_no_personal_data(self, traced, collector):
        first, _ = traced("POST", "/api/auth/register", json=ACCOUNT)
        # PostgreSQL's message contains the address.
        second, spans = traced("POST", "/api/auth/register", json=ACCOUNT)
        login, _ = traced("POST", "/api/auth/login", json=ACCOUNT)
        traced("GET", f"/api/users/{ACCOUNT['email']}?q={ACCOUNT['email']}")
        traced("GET", f"/{ACCOUNT['email']}")

        failed = [span for span in spans if span.status.code == Status.STATUS_CODE_ERROR]
        assert (first.status_code, second.status_code) == (201, 409)
        assert (
            attribute_values(failed[0].attributes)["error.type"]
            == "psycopg2.errors.UniqueViolation"
        )
        sent = b"".join(collector.bodies)
        token = login.json() if login.status_code == 200 else {"access_token": "no-token"}
        for secret in (*ACCOUNT.values(), "127.0.0.1", "httpx", token["access_token"]):
            assert secret.encode() not in sent

    def test_spans_have_only_allowed_attributes(self, traced):
        _, spans = traced("POST", "/api/auth/login", json=WRONG)

        for span in spans:
            assert attribute_values(span.attributes).keys() <= ATTRIBUTES
            assert not span.events
            assert not span.status.message


class TestLog:
    def test_line_of_a_request_names_the_request_and_the_trace(
        self, own_url, collector, capfd, tmp_path
    ):
        production = {"FLASK_ENV": "production", "ALLOWED_HOSTS": "127.0.0.1", "LOG_LEVEL": "INFO"}
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        trace_id = secrets.token_hex(16)
        headers = {"traceparent": f"00-{trace_id}-{PARENT}-01", "X-Request-ID": "mine"}
        with served(own_url, **production, **endpoint) as server:
            httpx.get(f"{server.url}/api/problems", headers=headers)
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]

        (line,) = (line for line in lines if line.get("request_id") == "mine")
        assert line["trace_id"] == trace_id
        assert all("trace_id" in line for line in lines if line["message"] == "request")


class TestEnd:
    def test_last_spans_of_a_worker_are_sent(self, own_url):
        with collecting() as collector:
            endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
            with served(own_url, **endpoint, **AT_THE_END) as server:
                trace_id = secrets.token_hex(16)
                headers = {"traceparent": f"00-{trace_id}-{PARENT}-01"}
                httpx.get(f"{server.url}/api/health", headers=headers)
                assert not collector.bodies

            assert len(collector.trace(trace_id)) == 1

    def test_collector_without_a_response_delays_no_request(self, own_url):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            patient = {"OTEL_EXPORTER_OTLP_TIMEOUT": "600", **SOON}
            with served(own_url, OTEL_EXPORTER_OTLP_ENDPOINT=url, **patient) as server:
                responses = [httpx.get(f"{server.url}/api/problems") for _ in range(20)]
                server.process.terminate()
                status = server.process.wait(20)

        assert [response.status_code for response in responses] == [200] * 20
        assert status == 0
