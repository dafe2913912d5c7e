"""Host names, web origins, networks and ports in settings: validation and normalization."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

from marshmallow import ValidationError

from app.settings.types import CommaSeparated

Network = IPv4Network | IPv6Network
# RFC 1035, section 2.3.4; service names of Docker may have an underscore.
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
MAX_NAME_LENGTH = 253
ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]*)://(\*\.)?(\[[0-9a-f:.]+\]|[^\[\]/?#@:]+)(?::([0-9]+))?", re.IGNORECASE
)
DEFAULT_PORTS = {"http": 80, "https": 443}


class Names(CommaSeparated):
    """List of values that `read` converts; the error lists all invalid ones and the form."""

    def __init__(self, read: Callable[[str], Any], form: str) -> None:
        super().__init__()
        self.read, self.form = read, form

    def _deserialize(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        names, bad = [], []
        for given in super()._deserialize(*args, **kwargs):
            try:
                names.append(self.read(given))
            except ValueError:
                bad.append(repr(given))
        if bad:
            raise ValidationError(f"has invalid values: {', '.join(bad)}. {self.form}")
        return tuple(names)


def read_host(text: str) -> str:
    """Return a host in the form of a `Host` header, without port; a leading `.` adds subdomains.

    Raises:
        ValueError: it can never match a `Host` header.
    """
    name, colon, port = text.removeprefix(".").partition(":")
    if colon:
        read_port(port)
    name = read_domain(name.removesuffix("."))
    # Werkzeug rejects a Host header with an underscore.
    if "_" in name or (text.startswith(".") and is_address(name)):
        raise ValueError(text)
    return f".{name}" if text.startswith(".") else name


def read_origin(text: str) -> str:
    """Return an origin as browsers send it (RFC 6454, section 6.2).

    Raises:
        ValueError: it is not an origin.
    """
    match = ORIGIN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    scheme, wildcard, host, port = match[1].lower(), match[2] or "", match[3], match[4]
    name = f"[{IPv6Address(host[1:-1])}]" if host.startswith("[") else read_domain(host)
    if wildcard and (is_address(name) or "." not in name):
        raise ValueError(text)
    number = read_port(port) if port else None
    suffix = "" if number in (None, DEFAULT_PORTS.get(scheme)) else f":{number}"
    return f"{scheme}://{wildcard}{name}{suffix}"


def read_domain(text: str) -> str:
    """Return a DNS name or an IPv4 address in lower case and ASCII.

    Raises:
        ValueError: it is neither, or its ASCII form is ambiguous.
    """
    given = text.lower()
    name = given.encode("idna").decode("ascii")
    # Python implements IDNA 2003, which maps `straße` to `strasse`; browsers do not.
    uncertain = not given.isascii() and name.encode().decode("idna") != given
    if uncertain or len(name) > MAX_NAME_LENGTH or not all(map(LABEL.fullmatch, name.split("."))):
        raise ValueError(text)
    if is_address(name):
        IPv4Address(name)
    return name


def is_address(name: str) -> bool:
    return name.startswith("[") or name.rpartition(".")[2].isdecimal()


def read_port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65_536):
        raise ValueError(text)
    return int(text)


def hosts() -> Names:
    return Names(
        read_host,
        "Write a host as api.example.com, or as .example.com to include subdomains; without "
        "scheme, path or *. IPv6 addresses are not supported.",
    )


def origins() -> Names:
    return Names(
        read_origin,
        "Write an origin as https://shop.example.com, or as https://*.example.com for all "
        "subdomains; with scheme, optional port, and without path or final /.",
    )


def networks() -> Names:
    return Names(ip_network, "Write a network as 10.0.0.0/8 or fd00::/8, with its first address.")


def ports() -> Names:
    return Names(read_port, "Write a port from 1 to 65535.")
