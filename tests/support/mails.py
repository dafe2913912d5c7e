"""Send queued mails in a test, and read them."""

from email.message import EmailMessage

from flask import Flask

from commands.mail import mail_sender
from tests.support.smtp_servers import token_of


def send_all(app: Flask) -> list[EmailMessage]:
    """Send all due mails in this thread, and return them."""
    sent: list[EmailMessage] = []
    with app.app_context():
        sender = mail_sender()
        sender.send = sent.append
        while sender.send_next():
            pass
    return sent


def mail_to(app: Flask, address: str) -> EmailMessage:
    """Send all due mails, and return the last one to this address."""
    return [mail for mail in send_all(app) if mail["To"] == address][-1]


def mailed_token(app: Flask, address: str) -> str:
    return token_of(mail_to(app, address))
