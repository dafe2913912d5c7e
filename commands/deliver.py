"""`flask deliver`: deliver webhooks and send mails in one process."""

import signal
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from app.observability import delivery_metrics
from commands.mail import mail_sender
from commands.webhooks import webhook_deliverer
from services.webhook_deliverer import THREADS


@click.command("deliver")
@click.option("--once", is_flag=True, help="End when nothing is due.")
@click.option("--heartbeat", type=click.Path(path_type=Path), help="File to touch regularly.")
@with_appcontext
def command(once: bool, heartbeat: Path | None) -> None:
    """Deliver webhooks and, with SMTP_URL, send mails, until SIGTERM or SIGINT.

    This process does the work of `flask webhooks deliver` and `flask mail deliver`. An error of
    either part ends the process, so that the orchestrator starts it again.
    """
    sender = mail_sender()
    loops = [each for each in (sender, webhook_deliverer(THREADS, heartbeat)) if each]
    delivery_metrics.start(current_app, webhooks=True, mails=sender is not None)

    def stop(*_: object) -> None:
        for each in loops:
            each.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(copy_context().run, each.run, once=once) for each in loops]
        wait(runs, return_when=FIRST_EXCEPTION)
        stop()
    for run in runs:
        run.result()
