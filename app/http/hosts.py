"""Host validation (`ALLOWED_HOSTS`)."""

from functools import lru_cache, partial
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.sansio.utils import host_is_trusted

from app.errors.http_errors import BadRequest
from app.settings import Settings
from services.errors import Problem

MAX_LENGTH = 262  # a name of 255 characters (RFC 1035) and a port
# A kubelet sends probes to the IP address of the pod, which the setting cannot list.
PROBES = frozenset({"/api/health/live", "/api/health/ready"})


class HostNotAllowed(Problem):
    status, slug, title = 400, "host-not-allowed", "Host not allowed"
    detail = "The service does not accept the Host header of the request."
    advice = "Use the documented address of the API. Operators configure `ALLOWED_HOSTS`."


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.before_request(partial(check_host, settings.allowed_hosts))


def check_host(allowed: tuple[str, ...]) -> None:
    """Check the host of the request; an empty `allowed` allows every host.

    Raises:
        BadRequest: an HTTP/1.1 request has no `Host` (RFC 9112, section 3.2).
        HostNotAllowed: the host does not match `allowed`.
    """
    if "Host" not in request.headers and request.environ["SERVER_PROTOCOL"] != "HTTP/1.0":
        raise BadRequest("An HTTP/1.1 request must have a Host header.")
    use_target()
    # Truncate the host, because `is_allowed` caches it.
    if not is_allowed(target_host()[:MAX_LENGTH], allowed) and request.path not in PROBES:
        raise HostNotAllowed


def use_target() -> None:
    """Replace `Host` with the host of an absolute request target (RFC 9112, section 3.2.2)."""
    target = request.environ.get("RAW_URI", "/")
    if not target.startswith("/") and (host := urlsplit(target).netloc):
        request.environ["HTTP_HOST"] = request.host = host


def target_host() -> str:
    """Return the host and port of the request, without a final dot or an empty port."""
    host = request.headers.get("Host", request.host).lower().removesuffix(":")
    name, colon, port = host.partition(":")
    return host if host.startswith("[") else name.removesuffix(".") + colon + port


@lru_cache(maxsize=1000)
def is_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    return not allowed or (len(host) < MAX_LENGTH and host_is_trusted(host, allowed))
