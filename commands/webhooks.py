"""`flask webhooks`: deliver events to webhook endpoints."""

import signal

import click
import orjson
from flask.cli import AppGroup

from app.db.database import database
from app.http.webhooks import address_rules
from models.events import Event
from schemas.events import EventSchema
from services.webhook_deliverer import THREADS, Deliverer

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
    deliverer = Deliverer(database.transaction, body, address_rules(), threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: deliverer.stopping.set())
    deliverer.run(once=once)


def body(event: Event) -> bytes:
    """Return the message about an event: the same JSON as in `GET /api/events`."""
    return orjson.dumps(SCHEMA.dump(event))
