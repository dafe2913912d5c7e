"""Text of mails: messages from the templates in app/templates/mails."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid, parseaddr
from typing import Any

from jinja2 import Environment

from models.mails import MailKind
from services.account_tokens import LIFETIMES
from services.mails import PURPOSES, Claim


@dataclass(frozen=True)
class Composer:
    """Creates messages from templates.

    Args:
        templates: Has a `.txt`, whose first line is the subject, and a `.html` for each kind.
        sender: The value of `From`.
        public_url: The base of the links.
    """

    templates: Environment
    sender: str
    public_url: str

    def compose(self, claim: Claim) -> EmailMessage:
        """Return the message of a claimed mail."""
        kind = MailKind(claim.mail.kind)
        content = self.content(claim)
        text = self.templates.get_template(f"mails/{kind}.txt").render(content)
        subject, _, body = text.partition("\n")
        message = self.empty(claim.mail.address, subject)
        message.set_content(body.strip() + "\n")
        html = self.templates.get_template(f"mails/{kind}.html").render(content)
        message.add_alternative(html, subtype="html")
        return message

    def content(self, claim: Claim) -> Mapping[str, Any]:
        """Return the variables of the templates."""
        purpose = PURPOSES.get(claim.mail.kind)
        minutes = LIFETIMES[purpose].total_seconds() // 60 if purpose else 0
        lifetime = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
        return {"public_url": self.public_url, "token": claim.token, "lifetime": lifetime}

    def empty(self, address: str, subject: str) -> EmailMessage:
        """Return a message without a body."""
        message = EmailMessage()
        local, _, domain = address.rpartition("@")
        message["From"] = self.sender
        message["To"] = Address(username=local, domain=domain)
        message["Subject"] = subject
        message["Date"] = localtime()
        message["Message-ID"] = make_msgid(domain=parseaddr(self.sender)[1].rpartition("@")[2])
        # Prevents automatic replies, such as out-of-office messages (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        return message
