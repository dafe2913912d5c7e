"""Events: record them in the transaction of the change, and list them in order."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, insert, text
from sqlalchemy.orm import Session

from models.base import table
from models.events import Event, EventType
from services import pages, queries
from services.principals import Actor

OLDEST = pages.Sort(("txid", "id"), descending=False)
# Transactions do not commit in the order of their ids, so an event could appear before a position
# that a reader has already passed. So the list ends before the oldest running transaction: all
# transactions with lower ids have ended, and no new event can appear inside the list.
FINISHED = text("events.txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def record(
    session: Session,
    event_type: EventType,
    resource_id: str,
    version: int | None,
    actor: Actor,
    **data: Any,
) -> None:
    """Record an event, which commits or rolls back with the change that it describes."""
    record_all(session, [values(event_type, resource_id, version, actor, **data)])


def values(
    event_type: EventType, resource_id: str, version: int | None, actor: Actor, **data: Any
) -> dict[str, Any]:
    """Return the values of an event for `record_all`."""
    return {
        "type": event_type,
        "resource_id": resource_id,
        "resource_version": version,
        "data": data,
        "actor_id": actor.id,
        "request_id": actor.request_id,
    }


def record_all(session: Session, events: Sequence[Mapping[str, Any]]) -> None:
    """Record events in one round trip."""
    if events:
        session.execute(insert(table(Event)), events)


def list_all(session: Session, page: pages.PageRequest, filters: Mapping[str, Any]) -> pages.Page:
    """Return a page of the events of finished transactions that match `filters`, oldest first."""
    return pages.read_page(session, _finished(*filters), page, filters, OLDEST)


@cache
def _finished(*names: str) -> Select[Any]:
    return queries.rows(Event, *names).where(FINISHED)
