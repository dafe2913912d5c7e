"""Prometheus metrics of a process that delivers webhooks.

Alerts and dashboards depend on these names; docs/operators/operations.md lists them.
"""

from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.orm import Session

from models.webhook_deliveries import DeliveryStatus
from services import webhook_claims, webhook_fanout
from services.webhook_results import Result

OUTCOMES = {
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.PENDING: "failed",
    DeliveryStatus.FAILED: "exhausted",
}
RECEIVERS = {False: "healthy", True: "failing"}

ATTEMPTS = Counter("webhook_attempts", "Attempts to deliver a webhook.", ["outcome"])
DURATIONS = Histogram(
    "webhook_attempt_duration_seconds",
    "Seconds from the start of an attempt to the response.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
BACKLOG = Gauge("webhook_backlog", "Due deliveries of enabled endpoints.", ["receiver"])
OLDEST = Gauge(
    "webhook_oldest_due_seconds",
    "Time since the oldest delivery became due, or since the oldest event without deliveries.",
    ["receiver"],
)

# Start each counter at 0, because `increase()` ignores the first value of a series.
for outcome in OUTCOMES.values():
    ATTEMPTS.labels(outcome)


def count(result: Result) -> None:
    """Count an attempt."""
    ATTEMPTS.labels(OUTCOMES[result.outcome]).inc()
    if result.response:
        DURATIONS.observe(result.response.latency_ms / 1000)


def sample(session: Session) -> None:
    """Set the gauges from the database."""
    rows = {row.failing: row for row in webhook_claims.backlog(session)}
    waiting, now = webhook_fanout.oldest_waiting(session), datetime.now(UTC)
    for failing, receiver in RECEIVERS.items():
        row = rows.get(failing)
        times = [row and row.oldest, None if failing else waiting, now]
        BACKLOG.labels(receiver).set(row.due if row else 0)
        OLDEST.labels(receiver).set((now - min(filter(None, times))).total_seconds())
