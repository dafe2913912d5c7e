"""Whom the service believes: the `Host` of a request, and the proxies before it."""

from functools import lru_cache, partial

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from app.settings import Settings
from services.errors import Problem

# A kubelet asks by the pod's address, which nobody can list.
LONGEST = 262  # a name of 255 characters (RFC 1035) and a port
PROBES = frozenset({"/api/health/live", "/api/health/ready"})


class HostNotAllowed(Problem):
    status, slug, title = 400, "host-not-allowed", "Host not allowed"
    detail = "This service doesn't answer to the Host of the request."
    advice = "Use the address that you were given. If you run the service, see `ALLOWED_HOSTS`."


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    if hops := settings.trusted_proxies:
        # Of X-Forwarded-Host nobody needs to be told: the links are relative.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    if settings.allowed_hosts:
        app.before_request(partial(check_host, settings.allowed_hosts))


def check_host(allowed: tuple[str, ...]) -> None:
    host = request.host.lower()
    if not (len(host) < LONGEST and is_allowed(host, allowed)) and request.path not in PROBES:
        raise HostNotAllowed


@lru_cache(maxsize=1000)
def is_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    return host_is_trusted(host, allowed)
