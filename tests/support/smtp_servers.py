"""An SMTP server on a free port, and the mails that it accepts."""

import asyncio
import gc
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.servers import Server
from tools.embedded import free_port

LINK = re.compile(r"http\S+")
TOKEN = re.compile(r"#token=([\w-]+)")


@dataclass
class Mailbox:
    """A handler of aiosmtpd; it keeps the accepted mails.

    `reply` replaces the response to a recipient; `hangs` delays all responses for an hour.
    """

    port: int = field(default_factory=free_port)
    reply: str = ""
    hangs: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    attempts: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server, session, envelope, address, _):  # noqa: N802
        self.attempts += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.reply:
            return self.reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextmanager
def smtp_server(mailbox: Mailbox, **options: Any) -> Iterator[Mailbox]:
    """Run an SMTP server until the end of the block."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        with warnings.catch_warnings():
            # aiosmtpd leaves sockets open if it stops while clients connect.
            warnings.simplefilter("ignore", ResourceWarning)
            controller.stop()
            gc.collect()


def mailed_link(server: Server, email: str, page: str) -> str:
    """Send all queued mails; return the link to `page` in the mail to `email`."""
    with smtp_server(Mailbox()) as mailbox:
        server.flask("mail", "deliver", "--once", SMTP_URL=mailbox.url)
    texts = [
        mail.get_body(["plain"]).get_content() for mail in mailbox.mails if mail["To"] == email
    ]
    [link] = [link for text in texts for link in LINK.findall(text) if page in link]
    return link.replace("http://localhost", server.url)


def token_of(mail: EmailMessage) -> str:
    """Return the token of the link in the text and in the HTML of a mail."""
    texts = [mail.get_body([kind]).get_content() for kind in ("plain", "html")]
    [token] = {TOKEN.search(text)[1] for text in texts}
    return token
