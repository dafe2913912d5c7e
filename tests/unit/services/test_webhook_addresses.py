"""Webhooks reach no address inside the network (SSRF)."""

import socket
from ipaddress import ip_network
from itertools import chain
from urllib.parse import urlsplit

import pytest
from urllib3.util import parse_url

from services.errors import InvalidInput
from services.webhook_addresses import AddressRules, ReceiverError, check_url, read_url, resolve
from services.webhook_requests import RequestFailed, post
from tests.support.receivers import receiver
from tests.support.resolvers import Names
from tests.unit.services.webhook_hostile_urls import ACCEPTED, REFUSED, RESOLVED

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture
def names(monkeypatch):
    names = Names(monkeypatch)
    for name, addresses in RESOLVED.items():
        names.set(name, addresses)
    return names


@pytest.fixture
def inside():
    """Return a listener at all addresses of this machine."""
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=dual) as listener:
        listener.setblocking(False)
        yield listener


def rules(*ports, https_only=False, networks=()):
    return AddressRules(https_only, frozenset({80, 443, 8443, *ports}), networks)


def port_of(listener):
    return listener.getsockname()[1]


def accepted(listener):
    """Return the number of connections that wait for the listener."""
    count = 0
    try:
        while True:
            listener.accept()[0].close()
            count += 1
    except BlockingIOError:
        return count


def hostile(port):
    """Return all hostile URLs."""
    urls = [url.replace("{port}", str(port)) for url in chain(*REFUSED.values())]
    return [*urls, *(f"http://{name}:{port}/" for name in RESOLVED)]


class TestCorpus:
    def test_no_hostile_url_reaches_the_inside(self, names, inside):
        port = port_of(inside)
        urls = hostile(port)

        for url in urls:
            with pytest.raises(RequestFailed):
                post(url, {}, b"{}", rules(port), timeout=2)

        assert len(urls) >= 60
        assert accepted(inside) == 0

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "public-last.example"])
    def test_test_above_counts_connections(self, names, inside, host):
        port = port_of(inside)

        with pytest.raises(RequestFailed):
            post(f"http://{host}:{port}/", {}, b"", rules(port, networks=LOOPBACK), 0.2)

        assert accepted(inside) == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirect_is_not_followed(self, inside, status):
        location = f"http://127.0.0.1:{port_of(inside)}/"
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"

        with receiver(head.encode()) as outside:
            url = f"http://127.0.0.1:{outside.port}/"
            response = post(url, {}, b"", rules(outside.port, networks=LOOPBACK))

        assert response.status == status
        assert accepted(inside) == 0

    def test_name_is_resolved_once(self, names, inside):
        """DNS rebinding: the first address is allowed, the second one is inside."""
        names.set("rebinding.example", ["127.0.0.2"], ["127.0.0.1"])
        networks = (ip_network("127.0.0.2/32"),)

        with receiver() as outside:  # at 127.0.0.1 only
            with pytest.raises(RequestFailed, match="refused"):
                post(
                    f"http://rebinding.example:{outside.port}/",
                    {},
                    b"",
                    rules(outside.port, networks=networks),
                )

            assert outside.requests == []
        assert names.lookups == ["rebinding.example"]


class TestURL:
    @pytest.mark.parametrize("url", list(chain(*REFUSED.values())))
    def test_hostile_url_is_refused(self, url):
        with pytest.raises(InvalidInput) as caught:
            check_url(url.replace("{port}", "8443"), rules())

        (error,) = caught.value.extension_members["errors"]
        assert error["pointer"] == "/url"
        assert error["detail"]

    @pytest.mark.parametrize("url", ACCEPTED)
    def test_valid_url_is_accepted(self, url):
        check_url(url, rules(https_only=True))

    @pytest.mark.parametrize("url", ACCEPTED)
    def test_other_parsers_read_the_same(self, url):
        ours, theirs, standard = read_url(url, rules()), parse_url(url), urlsplit(url)

        assert theirs.host.strip("[]") == ours.host
        assert standard.hostname.encode("idna").decode() == ours.host
        assert (theirs.port or 443, standard.port or 443) == (ours.port, ours.port)
        assert (theirs.path or "") + (f"?{theirs.query}" if theirs.query else "") == ours.target

    def test_http_is_refused_where_https_is_required(self):
        with pytest.raises(InvalidInput):
            check_url("http://hook.example:8443/", rules(https_only=True))

    @pytest.mark.parametrize("url", ["https://10.0.0.1/", "https://[fd00::1]/"])
    def test_address_in_an_allowed_network_is_accepted(self, url):
        check_url(url, rules(networks=(ip_network("10.0.0.0/8"), ip_network("fd00::/8"))))

    def test_allowed_network_opens_no_other_address(self):
        with pytest.raises(InvalidInput):
            check_url("https://192.168.0.1/", rules(networks=(ip_network("10.0.0.0/8"),)))


class TestAddresses:
    @pytest.mark.parametrize("name", list(RESOLVED))
    def test_name_with_an_address_inside_is_refused(self, names, name):
        receiver = read_url(f"https://{name}/", rules())

        with pytest.raises(ReceiverError, match="not public"):
            resolve(receiver, rules())

    def test_all_public_addresses_are_returned_in_order(self, names):
        names.set("public.example", ["2606:2800:21f::1", "93.184.215.14", "64:ff9b::5db8:d70e"])

        found = resolve(read_url("https://public.example/", rules()), rules())

        assert found == ["2606:2800:21f::1", "93.184.215.14", "64:ff9b::5db8:d70e"]

    def test_allowed_network_contains_mapped_addresses(self, names):
        found = resolve(read_url("https://mapped.example/", rules()), rules(networks=LOOPBACK))

        assert found == ["::ffff:127.0.0.1"]

    def test_name_without_address_is_refused(self, monkeypatch):
        def unknown(*_, **__):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)

        with pytest.raises(ReceiverError, match="does not resolve"):
            resolve(read_url("https://hook.example/", rules()), rules())
