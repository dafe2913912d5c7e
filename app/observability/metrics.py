"""What a worker counts for Prometheus.

Alerts and dashboards depend on the names; docs/operators/operations.md lists them.
"""

import time
from collections.abc import Callable, Iterable
from functools import cache
from threading import Thread
from typing import Any

from flask import Flask, request
from prometheus_client import Counter, Gauge, Histogram

from app.auth import limits, tokens
from app.auth.quotas import TooManyRequests
from app.errors import handlers as problems
from app.observability.queue_time import start_time
from app.settings import Settings
from services.errors import (
    EmailTaken,
    InvalidRefreshToken,
    Problem,
    RefreshSuperseded,
    RefreshTokenReused,
    WrongCredentials,
)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SAMPLE_SECONDS = 1.0
# What an answer, or a refusal, says about who comes and goes.
AUTH_EVENTS: dict[tuple[str, str, str | type[Problem]], str] = {
    ("POST", "/api/auth/register", "201"): "register",
    ("POST", "/api/auth/register", EmailTaken): "register_failed",
    ("POST", "/api/auth/login", "200"): "login",
    ("POST", "/api/auth/login", WrongCredentials): "login_failed",
    ("POST", "/api/auth/refresh", "200"): "refresh",
    ("POST", "/api/auth/refresh", InvalidRefreshToken): "refresh_failed",
    ("POST", "/api/auth/refresh", RefreshSuperseded): "refresh_superseded",
    ("POST", "/api/auth/refresh", RefreshTokenReused): "refresh_reused",
    ("POST", "/api/auth/logout", "204"): "logout",
    ("DELETE", "/api/auth/sessions/<session_id>", "204"): "session_end",
    ("PUT", "/api/users/me/password", "204"): "password_change",
}
# Events that the status of the response does not show.
OTHER_EVENTS = ("refresh_repeated",)

REQUESTS = Counter("http_requests", "Answers.", ["method", "route", "status"])
DURATIONS = Histogram(
    "http_request_duration_seconds",
    "Time from the arrival of a request until its response begins.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENTS = Counter("auth_events", "Sign-ins and the like.", ["event"])
REFUSALS = Counter("rate_limit_refusals", "Requests beyond a limit.", ["limit"])
SHARED = Gauge(
    "rate_limit_shared",
    "1 while Redis counts for all processes, 0 while one counts alone.",
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
    "Connections that the pools keep, at most.",
    multiprocess_mode="livesum",
)


def init_app(app: Flask) -> None:
    """Count what `app` does from now on."""
    app.wsgi_app = Counted(app.wsgi_app)  # type: ignore[method-assign]
    problems.answered.connect(count_problem)
    tokens.events.connect(count_event)
    # A counter that is first seen at 1 has no increase to tell of.
    for event in (*AUTH_EVENTS.values(), *OTHER_EVENTS):
        EVENTS.labels(event)
    for name in limits.NAMES:
        REFUSALS.labels(name)
    settings: Settings = app.extensions["settings"]
    POOL_SIZE.set(settings.database_pool_size)
    sample(app)
    Thread(target=sample_forever, args=(app,), name="metrics", daemon=True).start()


class Counted:
    """WSGI middleware that counts answers; their label is the route and never the URL."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]]) -> None:
        self.wsgi = wsgi

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        count: Callable[[float], None] | None = None

        def start(status: str, *args: Any) -> Any:
            nonlocal count
            # Here, because Flask forgets the request before it returns.
            rule = environ["werkzeug.request"].url_rule
            method = environ["REQUEST_METHOD"]
            count = counting(
                method if method in METHODS else "other",
                rule.rule if rule else "unmatched",
                status[:3],
            )
            return start_response(status, *args)

        began = start_time(environ)
        response = self.wsgi(environ, start)
        if count:
            count(time.perf_counter() - began)
        return response


@cache
def counting(method: str, route: str, status: str) -> Callable[[float], None]:
    """What counts an answer of this kind, given its seconds; to look it up costs more than that."""
    response = REQUESTS.labels(method, route, status)
    duration = DURATIONS.labels(method, route)
    event = AUTH_EVENTS.get((method, route, status))

    def count(seconds: float) -> None:
        response.inc()
        duration.observe(seconds)
        if event:
            EVENTS.labels(event).inc()

    return count


def count_problem(problem: Problem) -> None:
    rule = request.url_rule
    if isinstance(problem, TooManyRequests):
        REFUSALS.labels(problem.limit).inc()
    elif rule and (event := AUTH_EVENTS.get((request.method, rule.rule, type(problem)))):
        EVENTS.labels(event).inc()


def count_event(event: str) -> None:
    EVENTS.labels(event).inc()


def sample(app: Flask) -> None:
    """Look at what goes up and down; at each change, it would cost each request."""
    pool = app.extensions["database"].pool
    CONNECTIONS.labels("in_use").set(pool.checkedout())
    CONNECTIONS.labels("idle").set(pool.checkedin())
    SHARED.set(limits.is_shared())


def sample_forever(app: Flask) -> None:
    while True:
        time.sleep(SAMPLE_SECONDS)
        sample(app)
