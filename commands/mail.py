"""`flask mail`: send mails."""

import signal

import click
from flask import current_app
from flask.cli import AppGroup

from app.db.database import database
from app.observability import delivery_metrics
from app.settings import Settings
from services.mail_messages import Composer
from services.mail_sender import MailSender
from services.smtp import Server

command = AppGroup("mail", help="Mails.")


@command.command("deliver")
@click.option("--once", is_flag=True, help="End when no mail is due.")
def deliver(once: bool) -> None:
    """Send mails, until SIGTERM or SIGINT.

    Several processes can run at once. If the command is killed, other processes send its mails
    after five minutes.
    """
    sender = mail_sender()
    if sender is None:
        raise click.ClickException("SMTP_URL is missing.")
    if not once:
        delivery_metrics.start(current_app, mails=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sender.stopping.set())
    sender.run(once=once)


def mail_sender() -> MailSender | None:
    """Return a sender for the SMTP server of the settings, or None without SMTP_URL."""
    settings: Settings = current_app.extensions["settings"]
    if not settings.smtp_url:
        return None
    composer = Composer(current_app.jinja_env, settings.mail_from, settings.public_url)
    return MailSender(database.transaction, composer.compose, Server(settings.smtp_url).send)
