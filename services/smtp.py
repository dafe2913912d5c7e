"""SMTP: send a message to the server of `SMTP_URL`."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from loguru import logger

TIMEOUT_SECONDS = 10.0
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}
# For development: write the mails to the log.
LOG_URL = "log:"


# Codes for a mailbox that does not exist. Other 5xx codes, such as for "relay access denied", may
# be caused by a wrong configuration.
NO_MAILBOX = frozenset({550, 551, 553})


class RecipientRefusedError(Exception):
    """The server does not accept the address; another attempt would not help.

    The message is the code of the response, or `SMTPUTF8` if the server lacks this extension.
    """


@dataclass(frozen=True)
class Server:
    """An SMTP server."""

    url: str

    def send(self, message: EmailMessage) -> None:
        """Send a message.

        Raises:
            RecipientRefusedError: the address is refused for good.
            OSError: the attempt failed; smtplib's exceptions are OSErrors.
        """
        if self.url == LOG_URL:
            log(message)
            return
        connection = self.connect()
        try:
            transfer(connection, message)
            with suppress(OSError):  # The server has accepted the message.
                connection.quit()
        finally:
            connection.close()

    def connect(self) -> smtplib.SMTP:
        """Connect, start TLS if the server offers it, and log in if the URL has credentials.

        With credentials or `?starttls=required` in the URL, TLS is mandatory.
        """
        url, context = urlsplit(self.url), ssl.create_default_context()
        port = url.port or DEFAULT_PORTS[url.scheme]
        host = url.hostname or ""
        if url.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        try:
            if url.scheme == "smtp":
                start_tls(connection, context, required=bool(url.query or url.username))
            if url.username:
                connection.login(unquote(url.username), unquote(url.password or ""))
        except BaseException:
            connection.close()
            raise
        return connection


def transfer(connection: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        [(code, _)] = error.recipients.values()
        if code in NO_MAILBOX:
            raise RecipientRefusedError(code) from error
        raise smtplib.SMTPResponseException(code, "") from error
    except smtplib.SMTPNotSupportedError as error:  # The address needs SMTPUTF8.
        raise RecipientRefusedError("SMTPUTF8") from error


def start_tls(connection: smtplib.SMTP, context: ssl.SSLContext, *, required: bool) -> None:
    """Start TLS if the server offers it.

    Raises:
        SMTPException: TLS is required, but the server does not offer it.
    """
    connection.ehlo_or_helo_if_needed()
    if connection.has_extn("starttls"):
        connection.starttls(context=context)
    elif required:
        raise smtplib.SMTPException("The server does not offer STARTTLS.")


def log(message: EmailMessage) -> None:
    """Write a mail to the log, including its token; only for development."""
    body = message.get_body(["plain"])
    text = body.get_content() if body else ""
    logger.info("Mail to {}: {}\n\n{}", message["To"], message["Subject"], text)
