"""Results of webhook attempts: next attempts, final failures, and endpoints to disable."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from loguru import logger
from sqlalchemy import (
    Float,
    Integer,
    Row,
    Text,
    Update,
    Uuid,
    bindparam,
    column,
    func,
    select,
    update,
)
from sqlalchemy.orm import Session

from models.types import to_uuid
from models.webhook_deliveries import DELIVERY_ID, DeliveryStatus
from models.webhook_endpoints import DisabledReason
from services.webhook_claims import PENDING, recordset
from services.webhook_deliveries import deliveries, endpoints
from services.webhook_endpoints import disable
from services.webhook_requests import Response

# Delays after each attempt but the last one (the example of Standard Webhooks 1.0).
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
JITTER = 0.2
GONE = 410
FAILING_LIMIT = timedelta(days=5)
LAST = ("last_status", "last_latency_ms", "last_error", "last_response")


@dataclass(frozen=True)
class Result:
    """Result of an attempt: a response, or the reason why there is none."""

    # A row of `webhook_claims.COLUMNS`.
    delivery: Row[Any]
    response: Response | None = None
    error: str | None = None

    @property
    def status(self) -> int | None:
        return self.response.status if self.response else None

    @property
    def outcome(self) -> DeliveryStatus:
        """Return the status of the delivery after the attempt."""
        if self.succeeded:
            return DeliveryStatus.DELIVERED
        retried = self.delivery.attempts <= len(DELAYS)
        return DeliveryStatus.PENDING if retried else DeliveryStatus.FAILED

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def record_statement() -> Update:
    """Return the UPDATE that stores results in pending deliveries.

    It does not store the failure of an attempt if the delivery was claimed again.
    """
    result = recordset(
        "results",
        *(column("id", Uuid), column("attempts", Integer), column("status", Text)),
        *(column("last_status", Integer), column("last_latency_ms", Integer)),
        *(column("last_error", Text), column("last_response", Text), column("delay", Float)),
    )
    succeeded = result.c.status == DeliveryStatus.DELIVERED
    changes = {
        **{name: result.c[name] for name in ("status", *LAST)},
        "next_attempt_at": func.now() + func.make_interval(0, 0, 0, 0, 0, 0, result.c.delay),
        "updated_at": func.now(),
    }
    current = succeeded | (deliveries.c.attempts == result.c.attempts)
    return (
        update(deliveries).where(deliveries.c.id == result.c.id, PENDING, current).values(changes)
    )


RECORD = record_statement()
ENDPOINTS = endpoints.c.id.in_(bindparam("ids", expanding=True))
SINCE = endpoints.c.failing_since
# Keeps `version` and `updated_at`, because `failing_since` is not in responses.
CHANGE = update(endpoints).where(ENDPOINTS).values(updated_at=endpoints.c.updated_at)
FAILED = CHANGE.where(SINCE.is_(None)).values(failing_since=func.now())
HEALTHY = CHANGE.where(SINCE.is_not(None)).values(failing_since=None)
EXPIRED = (
    select(endpoints.c.id)
    .where(ENDPOINTS, func.now() - FAILING_LIMIT > SINCE)
    .order_by(endpoints.c.id)
)


def record(session: Session, results: Sequence[Result]) -> None:
    """Store results, and disable endpoints that returned 410 or have failed for five days.

    A repeated call with the same results is safe.
    """
    # Lock endpoints before deliveries, as in the deletion of an endpoint; this prevents deadlocks.
    _record_endpoints(session, results)
    session.execute(RECORD, {"results": [_row(result) for result in results]})


def _record_endpoints(session: Session, results: Sequence[Result]) -> None:
    failed = sorted({each.delivery.endpoint_id for each in results if not each.succeeded})
    gone = sorted({each.delivery.endpoint_id for each in results if each.status == GONE})
    healthy = sorted({each.delivery.endpoint_id for each in results if each.succeeded})
    if failed:
        session.execute(FAILED, {"ids": failed})
    if healthy:
        session.execute(HEALTHY, {"ids": healthy})
    for endpoint_id in gone:
        disable(session, endpoint_id, DisabledReason.GONE)
    for endpoint_id in session.scalars(EXPIRED, {"ids": failed}).all() if failed else ():
        disable(session, endpoint_id, DisabledReason.FAILING)


def _row(result: Result) -> dict[str, Any]:
    """Return the values of a result for `RECORD`."""
    delivery, response = result.delivery, result.response
    status = result.outcome
    if status == DeliveryStatus.FAILED:
        logger.bind(delivery=delivery.id).warning("webhook_delivery_failed")
    wanted = response.retry_after if response else None
    waits = status == DeliveryStatus.PENDING
    return {
        "id": to_uuid(delivery.id, DELIVERY_ID.prefix),
        "attempts": delivery.attempts,
        "status": status,
        "last_status": result.status,
        "last_latency_ms": response.latency_ms if response else None,
        "last_error": result.error,
        "last_response": response.excerpt if response else None,
        "delay": delay(delivery.attempts, wanted).total_seconds() if waits else 0,
    }


def delay(attempts: int, retry_after: float | None) -> timedelta:
    """Return the time to the next attempt: the scheduled delay, or a longer `Retry-After`."""
    scheduled = DELAYS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return max(scheduled, timedelta(seconds=retry_after or 0))
