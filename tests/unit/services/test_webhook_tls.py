"""TLS of webhooks: the certificate is for the host of the URL, not for the address."""

import ssl
import time
from ipaddress import ip_network

import pytest

from services.webhook_addresses import AddressRules
from services.webhook_requests import RequestFailed, post, tls_context
from tests.support.receivers import OK, certificate, receiver
from tests.support.resolvers import Names


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def hook(folder):
    """Return the certificate of hook.example and its key."""
    return certificate(folder, "hook.example")


@pytest.fixture
def trusted(monkeypatch):
    """Return a function that makes a certificate the only trusted one."""

    def trust(path):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
        tls_context.cache_clear()

    yield trust
    tls_context.cache_clear()


@pytest.fixture
def names(monkeypatch):
    names = Names(monkeypatch)
    names.set("hook.example", ["127.0.0.1"])
    names.set("other.example", ["127.0.0.1"])
    return names


def server_context(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


def send(host, port, timeout=5.0):
    rules = AddressRules(True, frozenset({port}), (ip_network("127.0.0.0/8"),))
    return post(f"https://{host}:{port}/", {}, b"{}", rules, timeout)


class TestCertificate:
    def test_name_is_verified_and_the_checked_address_is_used(self, hook, trusted, names):
        trusted(hook[0])
        context, asked = server_context(hook), []
        context.sni_callback = lambda _, name, __: asked.append(name)

        with receiver(OK, tls=context) as found:
            response = send("hook.example", found.port)

        assert (response.status, response.excerpt) == (200, "ok")
        assert asked == ["hook.example"]
        assert names.lookups == ["hook.example"]
        assert f"Host: hook.example:{found.port}\r\n".encode() in found.requests[0]

    def test_certificate_of_another_name_is_refused(self, hook, trusted, names):
        trusted(hook[0])

        with (
            receiver(OK, tls=server_context(hook)) as found,
            pytest.raises(RequestFailed, match=r"not valid for 'other\.example'"),
        ):
            send("other.example", found.port)

        assert found.requests == []

    def test_certificate_of_the_address_is_refused_for_a_name(self, folder, trusted, names):
        pair = certificate(folder, "127.0.0.1")
        trusted(pair[0])

        with receiver(OK, tls=server_context(pair)) as found:
            assert send("127.0.0.1", found.port).status == 200
            with pytest.raises(RequestFailed, match=r"not valid for 'hook\.example'"):
                send("hook.example", found.port)

        assert len(found.requests) == 1

    def test_certificate_of_an_unknown_authority_is_refused(self, hook, trusted, names, folder):
        trusted(certificate(folder, "authority.example")[0])

        with (
            receiver(OK, tls=server_context(hook)) as found,
            pytest.raises(RequestFailed, match="self-signed certificate"),
        ):
            send("hook.example", found.port)

        assert found.requests == []

    def test_server_without_tls_is_refused(self, hook, trusted, names):
        trusted(hook[0])

        with receiver(b"HTTP/1.1 200 OK\r\n\r\n") as found, pytest.raises(RequestFailed):
            send("hook.example", found.port, timeout=1)


class TestDeadline:
    def test_slow_response_ends_at_the_deadline(self, hook, trusted, names):
        trusted(hook[0])
        started = time.monotonic()

        with (
            receiver(OK[:17], forever=b"A", every=0.05, tls=server_context(hook)) as found,
            pytest.raises(RequestFailed, match=r"^No response within 1 seconds\.$"),
        ):
            send("hook.example", found.port, timeout=1)

        assert time.monotonic() - started < 10

    def test_slow_handshake_ends_before_the_deadline(self, hook, trusted, names):
        trusted(hook[0])
        started = time.monotonic()
        hello = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"  # a record of 16 KiB begins

        with (
            receiver(hello, forever=b"\x03", every=0.05, reads=False) as found,
            pytest.raises(RequestFailed, match="handshake operation timed out"),
        ):
            send("hook.example", found.port, timeout=1)

        assert time.monotonic() - started < 10
