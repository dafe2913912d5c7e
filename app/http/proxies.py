"""Trusted proxies: client address and scheme from `X-Forwarded-For` and `X-Forwarded-Proto`."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

from flask import Flask

from app.settings import Settings

ADDRESS_AND_PORT = re.compile(r"(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?")


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.wsgi_app = TrustedProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]


class TrustedProxies:
    """WSGI middleware that sets `REMOTE_ADDR` and the scheme; `hops` proxies are trusted.

    Werkzeug's ProxyFix parses quoted strings in these headers, so a client can send a quote that
    hides the values of the proxies. It also accepts any text as an address.
    """

    def __init__(self, wsgi: Any, hops: int) -> None:
        self.wsgi = wsgi
        self.hops = hops

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        addresses = self.trusted(environ.get("HTTP_X_FORWARDED_FOR"))
        client = addresses[0] if len(addresses) == self.hops else ""
        environ["REMOTE_ADDR"] = parse_address(client) or parse_address(peer) or peer
        # Many proxies replace `X-Forwarded-Proto`, so it may have fewer values than `hops`.
        scheme = self.trusted(environ.get("HTTP_X_FORWARDED_PROTO"))[0].lower()
        if scheme in {"http", "https"}:
            environ["wsgi.url_scheme"] = scheme
        wsgi: Iterable[bytes] = self.wsgi(environ, start_response)
        return wsgi

    def trusted(self, header: str | None) -> list[str]:
        """Return the values that trusted proxies have appended, the outermost proxy first."""
        values = [value.strip() for value in (header or "").split(",")]
        return values[-self.hops :] if self.hops else [""]


@lru_cache(maxsize=1000)
def parse_address(text: str) -> str | None:
    """Return the IP address in a text, without port, brackets and zone; None if it is invalid.

    An IPv4-mapped IPv6 address becomes an IPv4 address.
    """
    match = ADDRESS_AND_PORT.fullmatch(text)
    try:
        ip = ip_address(match[1] or match[2] if match else text)
    except ValueError:
        return None
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or IPv6Address(int(ip)))
    return str(ip)
