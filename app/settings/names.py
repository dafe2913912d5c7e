"""Host names, web origins, networks and ports in settings."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from app.settings.types import CommaSeparated

Network = IPv4Network | IPv6Network
LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
NAME = rf"{LABEL}(?:\.{LABEL})*"
# Werkzeug rejects a Host header with an underscore.
HOST = re.compile(rf"(?!.*_)\.?{NAME}")
# An origin as browsers send it (RFC 6454, section 6.2), or with `*.` for all subdomains.
ORIGIN = re.compile(
    rf"[a-z][a-z0-9+.-]*://(?:{NAME}|\*\.{LABEL}\.{NAME}|\[[0-9a-f:.]+\])(?::[1-9][0-9]{{0,4}})?"
)
DEFAULT_PORT = re.compile(r"http://.*:80|https://.*:443")


def read_host(text: str) -> str:
    """Return a host in lower case.

    Raises:
        ValueError: no `Host` header can match this host.
    """
    host = text.lower()
    if not HOST.fullmatch(host):
        raise ValueError(text)
    return host


def read_origin(text: str) -> str:
    """Return an origin in lower case.

    Raises:
        ValueError: no `Origin` header can match this origin.
    """
    origin = text.lower()
    if not ORIGIN.fullmatch(origin) or DEFAULT_PORT.fullmatch(origin):
        raise ValueError(text)
    return origin


def read_port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65_536:
        raise ValueError(text)
    return port


def hosts() -> CommaSeparated:
    return CommaSeparated(
        read_host,
        "Write a host as api.example.com, or as .example.com to include subdomains; in ASCII, "
        "without scheme, port, path or *. IPv6 addresses are not supported.",
    )


def origins() -> CommaSeparated:
    return CommaSeparated(
        read_origin,
        "Write an origin as https://shop.example.com, or as https://*.example.com for all "
        "subdomains; in ASCII, with scheme, and without default port, path or final /.",
    )


def networks() -> CommaSeparated:
    return CommaSeparated(
        ip_network, "Write a network as 10.0.0.0/8 or fd00::/8, with its first address."
    )


def ports() -> CommaSeparated:
    return CommaSeparated(read_port, "Write a port from 1 to 65535.")
