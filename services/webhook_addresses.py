"""Receivers of webhooks (SSRF protection): which URLs, hosts and addresses are allowed."""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import idna

from models.webhook_endpoints import MAX_URL
from services.errors import InvalidInput

# The subset of RFC 3986 that all parsers read alike: no userinfo, no fragment, no backslash.
URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[^/?#@:\\\[\]]*[^/?#@:\\\[\].])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<target>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)"
)
DEFAULT_PORTS = {"http": 80, "https": 443}
# Matches hosts that browsers and the C library read as IPv4 addresses, also in octal, hexadecimal
# or shortened form.
NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)")
GLOBAL_UNICAST = IPv6Network("2000::/3")
# IPv6 addresses with an IPv4 address in the last 32 bits: IPv4-mapped, and NAT64 (RFC 6052).
TRANSLATED = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")
# Networks that are not public, although some versions of `ipaddress` call them global: protocol
# assignments (with Oracle Cloud's metadata service and Teredo), relays of 6to4, Azure's metadata
# service, 6to4, documentation.
RESERVED = tuple(
    ip_network(text)
    for text in (
        *("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"),
        *("2001::/23", "2002::/16", "3fff::/20"),
    )
)


@dataclass(frozen=True)
class AddressRules:
    """Allowed receivers; `networks` are allowed in addition to public addresses."""

    https_only: bool
    ports: frozenset[int]
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass(frozen=True)
class Receiver:
    """Parts of an allowed URL; `host` is a name as A-label, or an address without brackets."""

    scheme: str
    host: str
    port: int
    target: str


class ReceiverError(ValueError):
    """The URL or an address of its host is not allowed; the message gives the reason."""


def check_url(url: str, rules: AddressRules) -> None:
    """Check a URL without resolving its host.

    Raises:
        InvalidInput: the URL is not allowed; the error points to `/url`.
    """
    try:
        read_url(url, rules)
    except ReceiverError as error:
        raise InvalidInput.at(["/url"], str(error)) from None


def read_url(url: str, rules: AddressRules) -> Receiver:
    """Return the parts of a URL.

    Raises:
        ReceiverError: the URL is not allowed.
    """
    match = URL.fullmatch(url) if len(url) <= MAX_URL else None
    if match is None:
        raise ReceiverError("Must be an absolute URL without credentials or fragment.")
    scheme = match["scheme"]
    if rules.https_only and scheme != "https":
        raise ReceiverError("Must start with https://.")
    port = int(match["port"] or DEFAULT_PORTS[scheme])
    if port not in rules.ports:
        raise ReceiverError(f"The port must be one of {sorted(rules.ports)}.")
    return Receiver(scheme, read_host(match["host"], rules), port, match["target"])


def read_host(text: str, rules: AddressRules) -> str:
    """Return a host name as its A-label (RFC 5890), or an IP address without brackets."""
    try:
        if text.startswith("[") or NUMERIC.fullmatch(text):
            return read_address(text, rules)
        return idna.encode(text.lower(), strict=True).decode("ascii")
    except UnicodeError:
        raise ReceiverError("The host is not a valid name.") from None


def read_address(text: str, rules: AddressRules) -> str:
    """Return an IP address in its only accepted spelling (RFC 5952), without brackets."""
    bare = text.strip("[]")
    try:
        address = IPv6Address(bare) if text.startswith("[") else IPv4Address(bare)
    except ValueError:
        raise ReceiverError("The host is not a valid IP address.") from None
    if str(address) != bare:
        raise ReceiverError(f"Write the IP address as {address}.")
    check_address(address, rules)
    return bare


def resolve(receiver: Receiver, rules: AddressRules) -> list[str]:
    """Resolve the host once, and return all its addresses.

    The system's resolver determines the timeout.

    Raises:
        ReceiverError: the host does not resolve, or one of its addresses is not allowed.
    """
    try:
        found = socket.getaddrinfo(receiver.host, receiver.port, type=socket.SOCK_STREAM)
    except OSError:
        raise ReceiverError("The host name does not resolve.") from None
    addresses = dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found)
    for address in addresses:
        check_address(ip_address(address), rules)
    return list(addresses)


def check_address(address: IPv4Address | IPv6Address, rules: AddressRules) -> None:
    """Raise ReceiverError unless the address is public or in an allowed network."""
    if any(address in network for network in TRANSLATED):
        address = IPv4Address(int(address) & 0xFFFF_FFFF)
    allowed = any(address in network for network in rules.networks)
    if not (allowed or is_public(address)):
        raise ReceiverError("The host has an address that is not public.")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return False
    reserved = any(address in network for network in RESERVED)
    return address.is_global and not address.is_multicast and not reserved
