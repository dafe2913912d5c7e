"""`flask deliver`: deliver webhooks and send mails in one process."""

import signal
from contextvars import copy_context
from threading import Thread

import click
from flask.cli import with_appcontext

from commands.mail import mail_sender
from commands.webhooks import webhook_deliverer
from services.webhook_deliverer import THREADS


@click.command("deliver")
@click.option("--once", is_flag=True, help="End when nothing is due.")
@with_appcontext
def command(once: bool) -> None:
    """Deliver webhooks and, with SMTP_URL, send mails, until SIGTERM or SIGINT.

    The same as `flask webhooks deliver` and `flask mail deliver` in one process.
    """
    loops = [each for each in (mail_sender(), webhook_deliverer(THREADS)) if each]
    threads = [
        Thread(target=copy_context().run, args=(each.run,), kwargs={"once": once}) for each in loops
    ]

    def stop(*_: object) -> None:
        for each in loops:
            each.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
