"""`flask prune`: delete expired rows."""

from collections.abc import Callable

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.cli import transaction
from services import pruning


@click.command("prune")
@click.option("--batch", default=1000, show_default=True, type=click.IntRange(1, 100_000))
@with_appcontext
def command(batch: int) -> None:
    """Delete expired keys, sessions and tokens, and old events, deliveries and mails, in batches.

    The command can run during traffic, and several times at once. Run it about every hour.
    """
    for name, delete in (
        ("idempotency keys", pruning.idempotency_keys),
        ("sessions", pruning.sessions),
        ("API keys", pruning.api_keys),
        ("mails", pruning.mails),
        ("tokens of mails", pruning.account_tokens),
        # Before the events, because an event is kept while one of its deliveries is pending.
        ("webhook deliveries", pruning.deliveries),
        ("events", pruning.events),
    ):
        count = deleted = _deleted(delete, batch)
        while deleted == batch:
            deleted = _deleted(delete, batch)
            count += deleted
        click.echo(f"Pruned {count} {name}.")


def _deleted(delete: Callable[[Session, int], int], batch: int) -> int:
    with transaction() as session:
        return delete(session, batch)
