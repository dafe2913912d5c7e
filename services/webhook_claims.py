"""Claims of webhook deliveries: a deliverer reserves due deliveries before it sends them."""

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

from models.types import to_uuid
from models.webhook_deliveries import DeliveryStatus
from models.webhook_endpoints import ENDPOINT_ID
from services.webhook_deliveries import deliveries, endpoints, events

# Longer than an attempt. If a deliverer is killed, others claim its deliveries after this lease.
LEASE = timedelta(seconds=60)
PENDING = deliveries.c.status == DeliveryStatus.PENDING
DUE = PENDING & (deliveries.c.next_attempt_at <= func.now())
FAILING = endpoints.c.failing_since.is_not(None).label("failing")
# The columns that an attempt needs.
COLUMNS = (
    *(deliveries.c[name] for name in ("id", "endpoint_id", "event_id", "is_test", "attempts")),
    *(deliveries.c.created_at, endpoints.c.version, endpoints.c.url, endpoints.c.secret),
    *(endpoints.c.previous_secret, endpoints.c.previous_secret_expires_at),
)


def recordset(name: str, *columns: ColumnClause[Any]) -> TableValuedAlias:
    """Return a JSON parameter as a table: one statement for many rows saves round trips."""
    function = func.jsonb_to_recordset(bindparam(name, type_=JSONB))
    return function.table_valued(*columns, name=name).render_derived(with_types=True)


def due_statement() -> Select[str, bool]:
    due = exists().where(deliveries.c.endpoint_id == endpoints.c.id, DUE)
    return select(endpoints.c.id, FAILING).where(endpoints.c.enabled, due)


def claim_statement() -> ReturningUpdate[Any]:
    counts = recordset("counts", column("endpoint_id", Uuid), column("count", Integer))
    due = select(deliveries.c.id).where(deliveries.c.endpoint_id == counts.c.endpoint_id, DUE)
    first = due.order_by(deliveries.c.next_attempt_at).limit(counts.c.count)
    free = first.with_for_update(skip_locked=True).lateral("free")
    changes = {
        "attempts": deliveries.c.attempts + 1,
        "next_attempt_at": func.now() + LEASE,
        "updated_at": func.now(),
    }
    # Without MATERIALIZED, a plan may run a subquery twice, and each run would lock other rows.
    chosen = select(free.c.id).select_from(counts.join(free, true())).cte("chosen")
    chosen = chosen.prefix_with("MATERIALIZED")
    own_endpoint = deliveries.c.endpoint_id == endpoints.c.id
    claimed = update(deliveries).where(deliveries.c.id == chosen.c.id, own_endpoint)
    return claimed.values(changes).returning(*COLUMNS)


DUE_ENDPOINTS = due_statement()
CLAIM = claim_statement()
EVENTS = select(events).where(events.c.id.in_(bindparam("ids", expanding=True)))
DELETED = (
    update(deliveries)
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
    .values(status=DeliveryStatus.FAILED, last_error="The event was deleted.")
)


def due_endpoints(session: Session) -> Sequence[Row[str, bool]]:
    """Return `id` and `failing` of the enabled endpoints that have due deliveries."""
    return session.execute(DUE_ENDPOINTS).all()


def claim(
    session: Session, counts: Mapping[str, int]
) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """Claim due deliveries for a lease; `counts` is the maximum number for each endpoint.

    Commit before the first attempt. Each claim counts as an attempt, even if the deliverer is
    killed before it records the result.

    Returns:
        The deliveries (`COLUMNS`), and their events; a test delivery has no event.
    """
    if not counts:
        return [], []
    wanted = [
        {"endpoint_id": to_uuid(endpoint_id, ENDPOINT_ID.prefix), "count": count}
        for endpoint_id, count in counts.items()
    ]
    claimed = session.execute(CLAIM, {"counts": wanted}).all()
    found = session.execute(EVENTS, {"ids": [each.event_id for each in claimed]}).all()
    existing = {event.id for event in found}
    deleted = [each.id for each in claimed if not (each.is_test or each.event_id in existing)]
    if deleted:
        session.execute(DELETED, {"ids": deleted})
    return [each for each in claimed if each.id not in deleted], found


def backlog(session: Session) -> Sequence[Row[Any]]:
    """Return the number of `due` deliveries, and when the `oldest` of them became due.

    There are up to two rows: for `failing` endpoints, and for all others.
    """
    oldest = func.min(deliveries.c.next_attempt_at).label("oldest")
    due = select(FAILING, func.count().label("due"), oldest).join_from(deliveries, endpoints)
    return session.execute(due.where(DUE, endpoints.c.enabled).group_by(FAILING)).all()
