"""Prometheus metrics of a worker.

Alerts and dashboards depend on these names; docs/operators/operations.md lists them.
"""

import time
from threading import Thread
from typing import Any

from flask import Flask, Response, g, request, request_finished
from prometheus_client import Counter, Gauge, Histogram

from app.auth import limits, tokens
from app.auth.quotas import TooManyRequests
from app.errors import handlers as problems
from app.settings import Settings
from services.errors import (
    EmailTaken,
    InvalidRefreshToken,
    Problem,
    RefreshSuperseded,
    RefreshTokenReused,
    WrongCredentials,
)
from services.second_factors import WrongCode

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SAMPLE_SECONDS = 1.0
# Authentication events by method, route, and status or exception class.
AUTH_EVENTS: dict[tuple[str, str, str | type[Problem]], str] = {
    ("POST", "/api/auth/register", "201"): "register",
    ("POST", "/api/auth/register", EmailTaken): "register_failed",
    ("POST", "/api/auth/login", "200"): "login",
    ("POST", "/api/auth/login", WrongCredentials): "login_failed",
    ("POST", "/api/auth/login/second-factor", "200"): "second_factor_login",
    ("POST", "/api/auth/login/second-factor", WrongCode): "second_factor_failed",
    ("POST", "/api/auth/refresh", "200"): "refresh",
    ("POST", "/api/auth/refresh", InvalidRefreshToken): "refresh_failed",
    ("POST", "/api/auth/refresh", RefreshSuperseded): "refresh_superseded",
    ("POST", "/api/auth/refresh", RefreshTokenReused): "refresh_reused",
    ("POST", "/api/auth/logout", "204"): "logout",
    ("DELETE", "/api/auth/sessions/<session_id>", "204"): "session_end",
    ("PUT", "/api/users/me/password", "204"): "password_change",
    ("POST", "/api/api-keys", "201"): "api_key_created",
    ("DELETE", "/api/api-keys/<api_key_id>", "204"): "api_key_revoked",
}
# Events that the status of the response does not show.
OTHER_EVENTS = ("refresh_repeated",)

REQUESTS = Counter("http_requests", "HTTP responses.", ["method", "route", "status"])
DURATIONS = Histogram(
    "http_request_duration_seconds",
    "Seconds from the arrival of a request to the start of its response.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENTS = Counter("auth_events", "Authentication events, such as logins.", ["event"])
API_KEYS = Counter("api_key_requests", "Responses to requests with an API key.", ["key"])
RATE_LIMITED = Counter("rate_limit_refusals", "Requests over a rate limit.", ["limit"])
SHARED = Gauge(
    "rate_limit_shared",
    "1 if all processes share the counters in Redis, 0 if this process counts separately.",
    multiprocess_mode="livemin",
)
CONNECTIONS = Gauge(
    "database_pool_connections",
    "Connections to PostgreSQL.",
    ["state"],
    multiprocess_mode="livesum",
)
POOL_SIZE = Gauge(
    "database_pool_size",
    "Maximum number of connections that the pools keep open.",
    multiprocess_mode="livesum",
)


def init_app(app: Flask) -> None:
    """Start to measure the requests of `app`."""
    request_finished.connect(count_response, app)
    problems.problem_rendered.connect(count_problem)
    tokens.events.connect(count_event)
    # Start each counter at 0, because `increase()` ignores the first value of a series.
    for event in (*AUTH_EVENTS.values(), *OTHER_EVENTS):
        EVENTS.labels(event)
    for name in limits.NAMES:
        RATE_LIMITED.labels(name)
    settings: Settings = app.extensions["settings"]
    POOL_SIZE.set(settings.database_pool_size)
    sample(app)
    Thread(target=sample_forever, args=(app,), name="metrics", daemon=True).start()


def count_response(_app: Flask, response: Response, **_: Any) -> None:
    """Count a response, and observe its duration, by route."""
    rule = request.url_rule
    method = request.method if request.method in METHODS else "other"
    route, status = rule.rule if rule else "unmatched", str(response.status_code)
    REQUESTS.labels(method, route, status).inc()
    DURATIONS.labels(method, route).observe(time.perf_counter() - g.started)
    if event := AUTH_EVENTS.get((method, route, status)):
        EVENTS.labels(event).inc()
    if key_id := g.get("api_key_id"):
        API_KEYS.labels(key_id).inc()


def count_problem(problem: Problem) -> None:
    rule = request.url_rule
    if isinstance(problem, TooManyRequests):
        RATE_LIMITED.labels(problem.limit).inc()
    elif rule and (event := AUTH_EVENTS.get((request.method, rule.rule, type(problem)))):
        EVENTS.labels(event).inc()


def count_event(event: str) -> None:
    EVENTS.labels(event).inc()


def sample(app: Flask) -> None:
    """Set the gauges; called once a second instead of in each request."""
    pool = app.extensions["database"].pool
    CONNECTIONS.labels("in_use").set(pool.checkedout())
    CONNECTIONS.labels("idle").set(pool.checkedin())
    SHARED.set(limits.is_shared())


def sample_forever(app: Flask) -> None:
    while True:
        time.sleep(SAMPLE_SECONDS)
        sample(app)
