"""Claims of the webhook deliverers: which deliveries are due, and who sends them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnClause,
    Integer,
    Row,
    Select,
    TableValuedAlias,
    Uuid,
    bindparam,
    column,
    exists,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from models.events import Event
from models.types import to_uuid
from models.webhook_deliveries import DeliveryStatus, WebhookDelivery
from models.webhook_endpoints import ENDPOINT_ID, WebhookEndpoint
from services.webhook_deliveries import deliveries, endpoints

# Longer than an attempt. If a deliverer is killed, others claim its deliveries after this time.
LEASE = timedelta(seconds=60)
PENDING = deliveries.c.status == DeliveryStatus.PENDING
DUE = PENDING & (deliveries.c.next_attempt_at <= func.now())
Claim = Row[WebhookDelivery, WebhookEndpoint, Event | None]


def recordset(name: str, *columns: ColumnClause[Any]) -> TableValuedAlias:
    """Return the rows of a JSON parameter: one statement for many rows saves round trips."""
    function = func.jsonb_to_recordset(bindparam(name, type_=JSONB))
    return function.table_valued(*columns, name=name).render_derived(with_types=True)


def claim_statement() -> ReturningUpdate[str]:
    counts = recordset("counts", column("endpoint_id", Uuid), column("count", Integer))
    due = select(deliveries.c.id).where(deliveries.c.endpoint_id == counts.c.endpoint_id, DUE)
    first = due.order_by(deliveries.c.next_attempt_at).limit(counts.c.count)
    free = first.with_for_update(skip_locked=True).lateral("free")
    changes = {
        "attempts": deliveries.c.attempts + 1,
        "next_attempt_at": func.now() + LEASE,
        "updated_at": func.now(),
    }
    chosen = deliveries.c.id.in_(select(free.c.id).select_from(counts.join(free, true())))
    return update(deliveries).where(chosen).values(changes).returning(deliveries.c.id)


CLAIM = claim_statement()


def due_endpoints(session: Session) -> Sequence[Row[str, bool]]:
    """Return the enabled endpoints that have due deliveries: `id`, and whether it is `failing`."""
    due = exists().where(deliveries.c.endpoint_id == endpoints.c.id, DUE)
    failing = endpoints.c.failing_since.is_not(None).label("failing")
    return session.execute(select(endpoints.c.id, failing).where(endpoints.c.enabled, due)).all()


def claim(session: Session, counts: Mapping[str, int]) -> Sequence[Claim]:
    """Claim at most this number of due deliveries of each endpoint, for the time of a lease.

    Commit before the first attempt. Each claim counts as an attempt, also if the deliverer is
    killed before it records the result.
    """
    if not counts:
        return []
    wanted = [
        {"endpoint_id": to_uuid(endpoint_id, ENDPOINT_ID.prefix), "count": count}
        for endpoint_id, count in counts.items()
    ]
    claimed = session.scalars(CLAIM, {"counts": wanted}).all()
    rows = session.execute(_with_events(claimed)).all() if claimed else []
    deleted = [delivery.id for delivery, _, event in rows if not (event or delivery.is_test)]
    if deleted:
        failed = {"status": DeliveryStatus.FAILED, "last_error": "The event was deleted."}
        session.execute(update(deliveries).where(deliveries.c.id.in_(deleted)).values(failed))
    return [row for row in rows if row[0].id not in deleted]


def _with_events(
    claimed: Sequence[str],
) -> Select[WebhookDelivery, WebhookEndpoint, Event | None]:
    return (
        select(WebhookDelivery, WebhookEndpoint, Event)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .outerjoin(Event, Event.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.id.in_(claimed))
    )


def backlog(session: Session) -> Sequence[Row[Any]]:
    """Return the number of due deliveries and the time since which the `oldest` is due.

    There are up to two rows: of endpoints that are `failing`, and of the others.
    """
    failing = endpoints.c.failing_since.is_not(None).label("failing")
    oldest = func.min(deliveries.c.next_attempt_at).label("oldest")
    due = select(failing, func.count().label("due"), oldest).join_from(deliveries, endpoints)
    return session.execute(due.where(DUE, endpoints.c.enabled).group_by(failing)).all()
