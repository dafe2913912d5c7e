"""Rate limits: four of them, each a rate by the name of its setting, and who it counts."""

import hashlib
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, NamedTuple

from flask import Flask, Response, current_app, g, request
from limits import parse_many
from werkzeug.exceptions import HTTPException

from app.auth.tokens import verified_user_id
from app.auth.windows import Windows
from app.http.parser import json_body
from app.settings import Settings
from services.errors import Problem

UNLIMITED = frozenset({"/api/health", "/api/health/live", "/api/health/ready"})


DOCUMENTED = {
    "X-RateLimit-Limit": {
        "schema": {"type": "integer", "minimum": 1},
        "description": "How many requests there may be, of the limit that is nearest.",
        "example": 300,
    },
    "X-RateLimit-Remaining": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "How many of them are left.",
        "example": 299,
    },
    "X-RateLimit-Reset": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "When the next one is back, seconds since 1970 (Unix time).",
        "example": 1770733860,
    },
}


class TooManyRequests(Problem):
    status, slug, title = 429, "too-many-requests", "Too many requests"
    default_headers: ClassVar = {"Retry-After": "1"}
    detail = "Too many requests; Retry-After says how many seconds to wait."
    advice = (
        "Wait as many seconds as `Retry-After` says. `X-RateLimit-Remaining` tells beforehand how "
        "many requests are left, `X-RateLimit-Reset` when there are more."
    )

    def __init__(self, limit: str, seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(seconds)})
        self.limit = limit


class Quota(NamedTuple):
    """What a request found of a limit: how many there may be, what is left, when one is back."""

    amount: int
    remaining: int
    reset_at: float


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
    return verified_user_id() or address()


def account() -> str:
    """The account that a sign-in is for; hashed, so that no one makes a key of a megabyte."""
    try:
        email = json_body()["email"].strip().lower()
    except (Problem, HTTPException, AttributeError, KeyError, TypeError, OSError):
        return address()
    return hashlib.sha256(email.encode(errors="replace")).hexdigest()


@dataclass(frozen=True)
class Limit:
    """A rate by the name of its setting; `key` tells who is counted.

    As a decorator it declares the limit on a method, besides the one that all requests have.
    """

    setting: str
    key: Callable[[], str]

    @property
    def name(self) -> str:
        return self.setting.removeprefix("rate_limit_")

    def __call__(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def limited(*args: Any, **kwargs: Any) -> Any:
            self.check()
            return method(*args, **kwargs)

        return limited

    def check(self) -> None:
        """Count the request.

        Raises:
            TooManyRequests: there were as many as there may be.
        """
        extensions, who = current_app.extensions, self.key()
        windows: Windows = extensions["windows"]
        for amount, seconds in extensions["rates"][self.setting]:
            key = f"flask-api/{self.setting}/{amount}/{seconds}/{who}"
            counted, hits, oldest = windows.hit(key, amount, seconds)
            quota = Quota(amount, max(0, amount - hits), oldest + seconds)
            if not counted:
                g.quotas = [quota]
                wait = max(1, math.ceil(quota.reset_at - time.time()))
                raise TooManyRequests(self.name, wait)
            g.setdefault("quotas", []).append(quota)


default = Limit("rate_limit_default", user_or_address)
login = Limit("rate_limit_login", account)
login_address = Limit("rate_limit_login_address", address)
register = Limit("rate_limit_register", address)
ALL = (default, login, login_address, register)


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.extensions["windows"] = Windows(settings.redis_url)
    app.extensions["rates"] = {
        limit.setting: [
            (item.amount, item.get_expiry())
            for item in parse_many(getattr(settings, limit.setting))
        ]
        for limit in ALL
    }
    app.before_request(check_default)
    app.after_request(show_quota)


def check_default() -> None:
    if request.method != "OPTIONS" and request.path not in UNLIMITED:
        default.check()


def show_quota(response: Response) -> Response:
    """Tell the nearest limit, what is left of it, and when the next of it is back (epoch)."""
    if quotas := g.get("quotas"):
        quota = min(quotas, key=lambda quota: quota.remaining)
        response.headers.add("X-RateLimit-Limit", quota.amount)
        response.headers.add("X-RateLimit-Remaining", quota.remaining)
        response.headers.add("X-RateLimit-Reset", math.ceil(quota.reset_at))
    return response
