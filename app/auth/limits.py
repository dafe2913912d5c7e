"""Rate limits (Flask-Limiter): limits, keys and response headers."""

import math
import time
from collections.abc import Callable
from dataclasses import fields

from flask import Flask, Response, current_app, g, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded, RouteLimit
from limits import parse_many

from app.auth.limit_keys import (
    FAILURES,
    account,
    account_and_address,
    account_or_known_address,
    address,
    challenged_user,
    endpoint,
    failures,
    user_or_address,
)
from app.auth.limit_storage import RedisOrMemoryStorage, Window
from app.auth.quotas import Quota, TooManyRequests
from app.errors.handlers import from_problem, problem_rendered
from app.http.api_keys import known_key_id
from app.settings import Settings
from services.errors import Problem
from services.second_factors import InvalidChallenge, SecondFactorRequired

# The names of all limits: each setting `rate_limit_<name>` is the rate of one limit.
NAMES = tuple(
    field.name.removeprefix("rate_limit_")
    for field in fields(Settings)
    if field.name.startswith("rate_limit_")
)
# These errors do not mean that a password or a code was wrong, so they do not count as failures.
NO_GUESS = (SecondFactorRequired, InvalidChallenge)
UNLIMITED = frozenset({"/api/health", "/api/health/live", "/api/health/ready"})


def is_retry() -> bool:
    """Return True if the transaction is retried; the request was counted at the first attempt."""
    return g.get("attempt", 1) > 1


def rate(name: str) -> str:
    """Return the configured rate, such as "5 per 60 second"."""
    configured: str = current_app.config[f"RATE_LIMIT_{name.upper()}"]
    return configured


def general() -> str:
    """Return the name of the limit that every request counts against."""
    return "api_key" if known_key_id() else "default"


limiter = Limiter(
    user_or_address,
    application_limits=[ApplicationLimit(lambda: rate(general()), scope=lambda _: general())],
    strategy="moving-window",
    key_prefix="flask-api",
    request_identifier=endpoint,
)


def limit(name: str, key: Callable[[], str]) -> RouteLimit:
    """Return a decorator that limits a method, in addition to the default limit."""
    return limiter.shared_limit(lambda: rate(name), scope=name, key_func=key, exempt_when=is_retry)


login = limit("login", failures(account, address))
login_account = limit("login_account", failures(account_or_known_address))
login_address = limit("login_address", address)
password = limit("password", user_or_address)
# Each API key has its own request limit. `new_api_key` stops users from creating ever more keys to
# send more requests.
new_api_key = limit("new_api_key", user_or_address)
register = limit("register", address)
forgot_password = limit("forgot_password", account_and_address)
forgot_password_account = limit("forgot_password_account", account)
forgot_password_address = limit("forgot_password_address", address)
mail = limit("mail", user_or_address)
# `second_factor` limits operations of a signed-in user. Sign-ins have a separate counter.
# Otherwise, wrong codes from the thief of an access token would lock the owner out.
second_factor = limit("second_factor", failures(lambda: "settings", user_or_address))
second_factor_login = limit("second_factor", failures(challenged_user))
second_factor_address = limit("login", failures(challenged_user, address))
export = limit("export", user_or_address)


@limiter.request_filter
def is_unlimited() -> bool:
    """Return True for OPTIONS and for health checks.

    `limiter.exempt` would not exempt a 405 on these paths, because its request has no endpoint.
    """
    return request.method == "OPTIONS" or request.path in UNLIMITED


def init_app(app: Flask) -> None:
    limiter.init_app(app)
    app.register_error_handler(RateLimitExceeded, too_many_requests)
    problem_rendered.connect(remember_problem)
    app.after_request(add_headers)
    app.after_request(release_hits)  # Flask runs it before `add_headers`.


def limits_config(settings: Settings) -> dict[str, object]:
    """Return the configuration of Flask-Limiter."""
    rates = {name: getattr(settings, f"rate_limit_{name}") for name in NAMES}
    options = {"redis_url": settings.redis_url, "on_hit": remember}
    return {
        "RATELIMIT_STORAGE_URI": "redis-or-memory://",
        "RATELIMIT_STORAGE_OPTIONS": options,
        **{f"RATE_LIMIT_{name.upper()}": in_seconds(rate) for name, rate in rates.items()},
    }


def in_seconds(rates: str) -> str:
    """Return "5 per minute" as "5 per 60 second".

    Flask-Limiter sorts limits by their unit first. With one unit for all, it keeps the order of
    declaration.
    """
    items = [f"{item.amount} per {item.get_expiry()} second" for item in parse_many(rates)]
    return "; ".join(dict.fromkeys(items))  # Two equal rates would count a request twice.


def is_shared() -> bool:
    """Return True if all processes share the counters in Redis."""
    return isinstance(limiter.storage, RedisOrMemoryStorage) and limiter.storage.is_shared


def remember(key: str, limit: int, seconds: int, window: Window) -> None:
    """Store the result of a hit for the response headers."""
    name = key.rsplit("/", 4)[1]  # The key ends with `/name/amount/multiples/unit` (limits).
    several = ";" in current_app.config.get(f"RATE_LIMIT_{name.upper()}", "")
    quota = Quota(
        name,
        f"{name}-{limit}-{seconds}" if several else name,
        window.accepted,
        remaining=limit - window.hits,
        limit=limit,
        seconds=seconds,
        reset_at=window.oldest + seconds,
        key=key,
        hit_at=window.hit_at,
    )
    g.setdefault("quotas", []).append(quota)


def remember_problem(problem: Problem) -> None:
    g.problem = problem


def release_hits(response: Response) -> Response:
    """Remove the hits of limits that count failures only, unless the response is a failure.

    Such a limit counts before the request runs, so that parallel guesses cannot all pass.
    """
    status = response.status_code
    right = isinstance(g.get("problem"), NO_GUESS)
    if right or not 400 <= status < 500 or status == TooManyRequests.status:
        for quota in g.get("quotas", ()):
            if quota.accepted and FAILURES in quota.key:
                release(quota)
    return response


def release(quota: Quota) -> None:
    assert isinstance(limiter.storage, RedisOrMemoryStorage)
    limiter.storage.release(quota.key, quota.hit_at)
    quota.remaining += 1


def add_headers(response: Response) -> Response:
    """Add the RateLimit headers of all limits, and the X-RateLimit headers of the nearest limit.

    Flask-Limiter's own headers cover only the limits that it checked last. They cost a second
    round trip to Redis and put `Retry-After` on every response.
    """
    if quotas := g.get("quotas"):
        now = time.time()
        # The nearest limit, which has the fewest requests left, is first.
        quotas.sort(key=lambda quota: (quota.accepted, quota.remaining))
        nearest: Quota = quotas[0]
        response.headers.extend(
            {
                "RateLimit-Policy": ", ".join(quota.policy for quota in quotas),
                "RateLimit": ", ".join(quota.state(now) for quota in quotas),
            }
        )
        response.headers.add("X-RateLimit-Limit", nearest.limit)
        response.headers.add("X-RateLimit-Remaining", nearest.remaining)
        response.headers.add("X-RateLimit-Reset", math.ceil(nearest.reset_at))
    return response


def too_many_requests(_error: RateLimitExceeded) -> Response:
    """Return the problem document of the exceeded limit: the last one that was checked."""
    exceeded: Quota = g.quotas[-1]
    seconds = max(1, math.ceil(exceeded.reset_at - time.time()))
    return from_problem(TooManyRequests(exceeded.name, seconds))
