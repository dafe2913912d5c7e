"""Metrics of an application in this process; see also tests/system/test_metrics.py."""

import pytest
from prometheus_client import REGISTRY

from app.auth.limits import limiter
from app.observability import metrics
from tests.support.clients import ApiClient


@pytest.fixture
def counted(make_app, monkeypatch):
    """Return an application with metrics, whose gauges the test updates."""
    monkeypatch.setattr(metrics, "sample_forever", lambda _: None)
    made = make_app(rate_limit_register="1 per hour")
    metrics.init_app(made)
    return made


@pytest.fixture
def increase():
    """Return a function that returns the growth of a metric since the last call."""
    seen = {}

    def look(name, **labels):
        key = name, *labels.values()
        before, seen[key] = seen.get(key, 0), REGISTRY.get_sample_value(name, labels) or 0
        return seen[key] - before

    return look


class TestResponses:
    def test_responses_are_counted_and_timed_by_route(self, counted, increase):
        labels = {"method": "GET", "route": "/api/notes/<note_id>"}
        names = "http_requests_total", "http_request_duration_seconds_count"

        def look():
            return increase(names[0], **labels, status="404"), increase(names[1], **labels)

        look()
        ApiClient(counted).get("/api/notes/none")

        assert look() == (1, 1)

    def test_unknown_method_is_counted_as_other(self, counted, increase):
        labels = {"method": "other", "route": "unmatched", "status": "405"}
        increase("http_requests_total", **labels)
        ApiClient(counted).open("/api/notes", method="BREW")

        assert increase("http_requests_total", **labels) == 1


class TestEvents:
    def test_events_belong_to_existing_routes(self, app):
        rules = {
            (rule.rule, method) for rule in app.url_map.iter_rules() for method in rule.methods
        }

        assert {(route, method) for method, route, _ in metrics.AUTH_EVENTS} <= rules

    def test_failed_attempt_is_counted_for_its_route(self, counted, increase, user):
        increase("auth_events_total", event="login_failed")
        credentials = {"email": user.email, "password": "not the password"}
        assert ApiClient(counted).post("/api/auth/login", json=credentials).status_code == 401
        ApiClient(counted).get("/api/notes/none")

        assert increase("auth_events_total", event="login_failed") == 1

    def test_repeated_refresh_is_counted(self, counted, increase, user):
        client = ApiClient(counted).signed_in(user)
        body = {"refresh_token": client.tokens["refresh_token"]}
        increase("auth_events_total", event="refresh_repeated")
        statuses = [client.post("/api/auth/refresh", json=body).status_code for _ in range(3)]

        assert statuses == [200] * 3
        assert increase("auth_events_total", event="refresh_repeated") == 2

    def test_exceeded_limit_is_counted_by_name(self, counted, increase):
        increase("rate_limit_refusals_total", limit="register")
        for _ in range(2):
            ApiClient(counted).post("/api/auth/register", json={})

        assert increase("rate_limit_refusals_total", limit="register") == 1


class TestSample:
    def test_gauges_equal_the_state_of_the_pool(self, counted, engine, increase):
        names = {"name": "database_pool_connections", "state": "in_use"}
        metrics.sample(counted)
        before = increase(**names)
        with engine.connect():
            metrics.sample(counted)

        assert before >= 0
        assert increase(**names) == 1

    def test_gauge_shows_whether_limits_are_shared(self, counted, redis_url, monkeypatch):
        def shared():
            metrics.sample(counted)
            return REGISTRY.get_sample_value("rate_limit_shared")

        assert shared() == 0
        monkeypatch.setattr(limiter.storage, "redis_url", redis_url)
        assert shared() == 1
        monkeypatch.setattr(limiter.storage, "unavailable", True)
        assert shared() == 0
