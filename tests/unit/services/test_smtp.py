"""TLS and authentication of SMTP, against a server of aiosmtpd."""

import ssl
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import AuthResult

from services import smtp
from tests.support.receivers import certificate
from tests.support.smtp_servers import Mailbox, smtp_server


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return a certificate for localhost and its key."""
    return certificate(tmp_path_factory.mktemp("certificates"), "localhost")


@pytest.fixture
def context(pair, monkeypatch):
    """Return the context of the server; its certificate is the only trusted one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def message():
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Hello"
    message.set_content("Hello")
    return message


def test_starttls_protects_the_login(mailbox, message, context):
    logins = []

    def authenticate(_server, _session, _envelope, _mechanism, data):
        logins.append((data.login, data.password))
        return AuthResult(success=True)

    # aiosmtpd itself refuses a login without TLS.
    with smtp_server(mailbox, tls_context=context, authenticator=authenticate, auth_required=True):
        smtp.Server(f"smtp://ada:p%40ss@localhost:{mailbox.port}").send(message)

    assert logins == [(b"ada", b"p@ss")]
    assert [mail["Subject"] for mail in mailbox.mails] == ["Hello"]


def test_starttls_is_used_when_it_is_offered(mailbox, message, context):
    with smtp_server(mailbox, tls_context=context, require_starttls=True):
        smtp.Server(f"smtp://localhost:{mailbox.port}").send(message)

    assert len(mailbox.mails) == 1


def test_smtps_begins_with_tls(mailbox, message, context):
    with smtp_server(mailbox, ssl_context=context):
        smtp.Server(f"smtps://localhost:{mailbox.port}").send(message)

    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(("scheme", "options"), [("smtp", "tls_context"), ("smtps", "ssl_context")])
def test_certificate_of_another_host_gets_no_mail(mailbox, message, context, scheme, options):
    with (
        smtp_server(mailbox, **{options: context}),
        pytest.raises(ssl.SSLCertVerificationError, match="127"),
    ):
        smtp.Server(f"{scheme}://127.0.0.1:{mailbox.port}").send(message)

    assert mailbox.mails == []
