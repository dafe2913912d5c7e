"""Checks whether mails are enabled, and whether an email address must be verified."""

from typing import Any

from flask import current_app
from sqlalchemy import Row

from app.settings import Settings
from models.users import Role
from services.errors import EmailNotVerified, Problem


class MailDisabled(Problem):
    status, slug, title = 404, "mail-disabled", "Mails disabled"
    detail = "This service sends no mails, so it cannot verify addresses or reset passwords."
    advice = "Ask API support. The operator of the service enables mails by the setting `SMTP_URL`."


def mail_enabled() -> bool:
    settings: Settings = current_app.extensions["settings"]
    return bool(settings.smtp_url)


def require_mail() -> None:
    """Raise MailDisabled if the service sends no mails."""
    if not mail_enabled():
        raise MailDisabled


def check_mailbox(user: Row[Any]) -> None:
    """Raise EmailNotVerified if the service sends mails, and the address is not verified.

    Without this check, an attacker could register another person's address and set up a second
    factor. Then the owner of the address could not sign in, not even after a password reset.
    """
    if mail_enabled() and user.email_verified_at is None:
        raise EmailNotVerified


def check_verified(user: Row[Any], step: str) -> None:
    """Raise EmailNotVerified if the settings require a verified address at this step."""
    settings: Settings = current_app.extensions["settings"]
    is_required = settings.require_verified_email == step and user.role != Role.SERVICE
    if is_required and user.email_verified_at is None:
        raise EmailNotVerified
