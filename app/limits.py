"""Rate limits: four of them, by Flask-Limiter, shared through Redis where there is one."""

import hashlib
import ipaddress
import math
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from loguru import logger
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from werkzeug.exceptions import HTTPException

from app.auth import access_claims
from app.parser import json_body
from app.settings import Settings
from services.errors import Problem, Unauthenticated

UNLIMITED = frozenset({"/api/health", "/api/health/live", "/api/health/ready"})
REDIS_TIMEOUT_SECONDS = 0.12


def limiter_config(settings: Settings) -> dict[str, object]:
    # A frozen Redis costs two timeouts: the count, and the question whether it is really away.
    redis = {
        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
        "socket_timeout": REDIS_TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    return {
        "RATELIMIT_STORAGE_URI": settings.redis_url or "memory://",
        "RATELIMIT_STORAGE_OPTIONS": redis if settings.redis_url else {},
        "RATELIMIT_STRATEGY": "moving-window",
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "RATELIMIT_KEY_PREFIX": "flask-api",
    }


def address() -> str:
    """The client's address; of IPv6 the /64, because that is what one customer has."""
    remote = request.remote_addr or "unknown"
    try:
        ip = ipaddress.ip_address(remote)
    except ValueError:
        return remote[:64]
    if ip.version == 4:
        return str(ip)
    # A socket that takes both kinds tells an IPv4 address as ::ffff:203.0.113.1.
    return str(ip.ipv4_mapped or ipaddress.ip_network(f"{ip}/64", strict=False))


def user_or_address() -> str:
    """Never raises and is never empty: either would lift the limit."""
    try:
        return access_claims()["sub"]
    except Unauthenticated:
        return address()


def account() -> str:
    """The account that a sign-in is for; hashed, so that no one makes a key of a megabyte."""
    try:
        email = json_body()["email"].strip().lower()
    except (Problem, HTTPException, AttributeError, KeyError, TypeError, OSError):
        return address()
    return hashlib.sha256(email.encode(errors="replace")).hexdigest()


def rate(name: str) -> Callable[[], str]:
    return lambda: getattr(current_app.extensions["settings"], name)


class SharedLimiter(Limiter):
    """Flask-Limiter, where several threads may find Redis away at once."""

    def _check_request_limit(
        self, callable_name: str | None = None, in_middleware: bool = True
    ) -> None:
        try:
            super()._check_request_limit(callable_name, in_middleware)
        except RedisError:  # another thread found out first, so now the local limit holds
            self.context.seen_limits.clear()
            super()._check_request_limit(callable_name, in_middleware)


limiter = SharedLimiter(
    key_func=user_or_address,
    application_limits=[rate("rate_limit_default")],
    # An unknown URL has no endpoint; with a name all the same, it counts.
    request_identifier=lambda: request.endpoint or "unknown",
)
limiter.request_filter(lambda: request.method == "OPTIONS" or request.path in UNLIMITED)

login = limiter.limit(rate("rate_limit_login"), key_func=account)
login_address = limiter.limit(rate("rate_limit_login_address"), key_func=address)
register = limiter.limit(rate("rate_limit_register"), key_func=address)


def init_app(app: Flask) -> None:
    limiter.init_app(app)
    app.after_request(show_quota)


def show_quota(response: Response) -> Response:
    """Tell the nearest limit, what is left of it, and when the next of it is back (epoch)."""
    try:
        return _with_quota(response)
    except RedisError as error:  # it was there when the request was counted
        logger.warning("the quota can't be told: {}", error)
        return response


def _with_quota(response: Response) -> Response:
    # The one that refused, or the one that will be the first to.
    breached = [quota for quota in limiter.current_limits if quota.breached]
    quotas = breached or limiter.current_limits
    if quotas:
        quota = min(quotas, key=lambda quota: quota.remaining)
        response.headers["X-RateLimit-Limit"] = str(quota.limit.amount)
        response.headers["X-RateLimit-Remaining"] = str(max(0, quota.remaining))
        response.headers["X-RateLimit-Reset"] = str(quota.reset_at)
        if response.status_code == 429:
            wait = max(1, math.ceil(quota.window.reset_time - time.time()))
            response.headers["Retry-After"] = str(wait)
    return response


__all__: list[Any] = ["init_app", "limiter", "limiter_config", "login", "login_address", "register"]
