"""Validators and field types of the settings of mails: server, sender and base URL of links."""

from email.headerregistry import Address
from email.utils import getaddresses, parseaddr
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

SMTP_FORM = "must be smtp://user:password@host:587, smtp://host?starttls=required or smtps://…"


def smtp_url(value: str) -> None:
    try:
        url = urlsplit(value)
        valid = value == "log:" or bool(
            url.scheme in {"smtp", "smtps"}
            and url.hostname
            and url.port != 0
            and url.path in {"", "/"}
            and url.query in {"", "starttls=required"}
            and not url.fragment
        )
    except ValueError:
        valid = False
    if not valid:
        raise ValidationError(SMTP_FORM)


def sender(value: str) -> None:
    try:
        Address(addr_spec=parseaddr(value)[1])
    except (ValueError, IndexError):
        raise ValidationError("must be an address such as no-reply@example.com.") from None
    addresses = getaddresses([value])
    if len(addresses) != 1 or not addresses[0][1].rpartition("@")[0] or set("\r\n") & set(value):
        raise ValidationError("must be an address such as no-reply@example.com.")


class PublicURL(fields.Url):
    """A URL without path, query and fragment; a final slash is removed."""

    def __init__(self) -> None:
        super().__init__(schemes={"http", "https"}, require_tld=False)

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        value: str = super()._deserialize(*args, **kwargs)
        if urlsplit(value).path not in {"", "/"} or any(each in value for each in '?#@"<>'):
            raise ValidationError("must be a URL such as https://api.example.com.")
        return value.rstrip("/")
