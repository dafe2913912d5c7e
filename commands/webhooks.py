"""`flask webhooks`: deliver events to webhook endpoints."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import click
import orjson
from flask import current_app
from flask.cli import AppGroup

from app.db.database import database
from app.http.webhooks import address_rules
from app.observability import delivery_metrics
from models.events import Event
from schemas.events import EventSchema
from services.webhook_deliverer import THREADS, Deliverer
from services.webhook_results import Result

NICENESS = 5
command = AppGroup("webhooks", help="Webhooks.")
SCHEMA = EventSchema()


@command.command("deliver")
@click.option("--once", is_flag=True, help="End when no delivery is due.")
@click.option("--threads", default=THREADS, show_default=True, type=click.IntRange(2, 500))
def deliver(once: bool, threads: int) -> None:
    """Deliver events to webhook endpoints, until SIGTERM or SIGINT.

    Several processes can run at once. After a signal, the command waits up to 15 seconds for the
    attempts that it has started. If it is killed, other processes send its messages after a minute.
    """
    delivery_metrics.start(current_app, webhooks=True)
    deliverer = webhook_deliverer(threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: deliverer.stopping.set())
    deliverer.run(once=once)


def webhook_deliverer(threads: int, heartbeat: Path | None = None) -> Deliverer:
    """Return a deliverer with the settings, and lower the priority of the process.

    The deliverer touches the file `heartbeat` in each turn of its loop.
    """
    # While the CPU is busy, requests have priority over deliveries.
    os.nice(NICENESS)
    beat = heartbeat.touch if heartbeat else lambda: None
    return Deliverer(database.transaction, body, address_rules(), threads, observer(), beat)


def observer() -> Callable[[Result], None]:
    """Return the function that counts attempts; without `METRICS_PORT`, it does nothing."""
    if not current_app.extensions["settings"].metrics_port:
        return lambda _: None
    # Imported here, because prometheus_client is not needed without METRICS_PORT.
    from app.observability import webhook_metrics

    return webhook_metrics.count


def body(event: Event) -> bytes:
    """Return the message about an event: the same JSON as in `GET /api/events`."""
    return orjson.dumps(SCHEMA.dump(event))
