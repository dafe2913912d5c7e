"""The client's address and scheme behind trusted proxies, at the WSGI interface."""

import pytest

from app.http.proxies import TrustedProxies


def seen(hops, peer="127.0.0.1", **headers):
    """Return the client address and the scheme of a request from `peer`."""
    environ = {f"HTTP_X_{name.upper()}": value for name, value in headers.items()}
    environ |= {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
    TrustedProxies(lambda *_: [], hops)(environ, None)
    return {"address": environ["REMOTE_ADDR"], "scheme": environ["wsgi.url_scheme"]}


@pytest.mark.parametrize(
    ("hops", "told", "scheme"),
    [
        (2, "https", "https"),
        (3, "https", "https"),
        (3, "http, https", "http"),
        (2, "https, http", "https"),
        (1, "https, http", "http"),
        (2, "http, https, http", "https"),
        (1, "HTTPS", "https"),
        (1, "", "http"),
        (1, "gopher", "http"),
        (1, "https, gopher", "http"),
        (1, '"https"', "http"),
    ],
)
def test_scheme_of_the_outermost_trusted_proxy_is_used(hops, told, scheme):
    assert seen(hops, forwarded_proto=told)["scheme"] == scheme


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.9:50000", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:DB8:0::9]:50000", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:cb00:7109]:50000", "203.0.113.9"),
        ("fe80::9%eth0", "fe80::9"),
    ],
)
def test_address_is_without_port_brackets_and_mapping(told, address):
    assert seen(1, forwarded_for=told)["address"] == address


@pytest.mark.parametrize(
    "told",
    [
        "",
        "unknown",
        "_hidden",
        "203.0.113.9:",
        "203.0.113.9:port",
        "203.0.113.9:500000",
        "203.0.113.256",
        "203.0.113.09",
        "203.0.113",
        "[2001:db8::9",
        "[2001:db8::9]50000",
        "2001:db8::9::",
        "203.0.113.9, ",
        "203.0.113.9/24",
        "٢٠٣.0.113.9",
        "a.example",
        '"203.0.113.9"',
    ],
)
def test_invalid_address_is_ignored(told):
    told = told.encode().decode("latin-1")
    assert seen(1, forwarded_for=told)["address"] == "127.0.0.1"


def test_quote_of_a_client_does_not_hide_later_addresses():
    chain = '203.0.113.66, "x, 203.0.113.9, 10.0.0.1'

    assert seen(2, forwarded_for=chain)["address"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::9%eth0", "fe80::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("", ""),
    ],
)
def test_address_of_the_connection_is_normalized(peer, address):
    assert seen(0, peer)["address"] == address


def test_header_with_too_few_addresses_is_ignored():
    assert seen(2, forwarded_for="203.0.113.9")["address"] == "127.0.0.1"
