"""Prometheus metrics of a process that sends mails.

Alerts and dashboards depend on these names; docs/operators/operations.md lists them.
"""

from datetime import UTC, datetime

from prometheus_client import Gauge
from sqlalchemy.orm import Session

from services import mails

STATES = {False: "new", True: "retried"}

BACKLOG = Gauge("mail_backlog", "Mails that are not sent yet.", ["state"])
OLDEST = Gauge("mail_oldest_seconds", "Age of the oldest mail that is not sent yet.", ["state"])


def sample(session: Session) -> None:
    """Set the gauges from the database."""
    rows = {row.retried: row for row in mails.backlog(session)}
    now = datetime.now(UTC)
    for retried, state in STATES.items():
        row = rows.get(retried)
        BACKLOG.labels(state).set(row.waiting if row else 0)
        OLDEST.labels(state).set(max(0, (now - row.oldest).total_seconds()) if row else 0)
