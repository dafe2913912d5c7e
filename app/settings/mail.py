"""Validation of the settings of mails: the server, the sender and the base of links."""

import re

from marshmallow import validate

HOST = r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[1-9][0-9]{0,4})?"

smtp_url = validate.Regexp(
    re.compile(rf"(?:log:|smtps?://(?:[^/?#\s]+@)?{HOST}/?(?:\?starttls=required)?)\Z"),
    error="must be smtp://user:password@host:587, smtp://host?starttls=required or smtps://…",
)
sender = validate.Regexp(
    re.compile(r"(?:[^<>\r\n]*<[^@<>\s]+@[^@<>\s]+>|[^@<>\s]+@[^@<>\s]+)\Z"),
    error="must be an address such as no-reply@example.com.",
)
public_url = validate.Regexp(
    re.compile(rf"https?://{HOST}\Z"),
    error="must be a URL such as https://api.example.com, without a path.",
)
