"""Webhook endpoints: create, change, delete, rotate the secret, disable."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from loguru import logger
from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.orm import Session

from models.base import table
from models.events import EventType
from models.webhook_endpoints import DisabledReason, WebhookEndpoint
from services import events, pages, queries
from services.locking import IfMatch, locked
from services.principals import Actor, Principal, actor_of
from services.webhook_addresses import AddressRules, check_url
from services.webhook_signatures import new_secret

# After a rotation, both secrets sign for this time, so that the receiver can replace its secret.
OVERLAP = timedelta(hours=24)


def list_all(session: Session, page: pages.PageRequest) -> pages.Page:
    """Return a page of the endpoints, newest first."""
    return pages.read_page(session, queries.rows(WebhookEndpoint), page, {})


def get(session: Session, endpoint_id: str) -> Row[Any]:
    """Return an endpoint.

    Raises:
        NotFound: the endpoint does not exist.
    """
    return queries.find(session, WebhookEndpoint, id=endpoint_id)


def create(
    session: Session, principal: Principal, rules: AddressRules, fields: Mapping[str, Any]
) -> WebhookEndpoint:
    """Create an endpoint with a new secret.

    Raises:
        InvalidInput: webhooks to the URL are not allowed.
    """
    check_url(fields["url"], rules)
    endpoint = WebhookEndpoint(**fields, secret=new_secret())
    session.add(endpoint)
    session.flush()
    _record(session, EventType.WEBHOOK_ENDPOINT_CREATED, endpoint, principal)
    logger.bind(endpoint=endpoint.id, by=principal.id).info("webhook_endpoint_created")
    return endpoint


def change(
    session: Session,
    principal: Principal,
    rules: AddressRules,
    endpoint_id: str,
    changes: Mapping[str, Any],
    if_match: IfMatch = None,
) -> WebhookEndpoint:
    """Change the fields in `changes`; `enabled: true` also clears its failures.

    Raises:
        NotFound: the endpoint does not exist.
        PreconditionFailed: the endpoint has another version than `if_match`.
        InvalidInput: webhooks to the URL are not allowed.
    """
    if "url" in changes:
        check_url(changes["url"], rules)
    endpoint = locked(session, _one(endpoint_id), if_match)
    version = endpoint.version
    for name, value in changes.items():
        setattr(endpoint, name, value)
    if changes.get("enabled"):
        endpoint.disabled_reason = endpoint.failing_since = None
    session.flush()
    if endpoint.version != version:
        _record(session, EventType.WEBHOOK_ENDPOINT_UPDATED, endpoint, principal)
    return endpoint


def delete(
    session: Session, principal: Principal, endpoint_id: str, if_match: IfMatch = None
) -> None:
    """Delete an endpoint with its deliveries."""
    endpoint = locked(session, _one(endpoint_id), if_match)
    _record(session, EventType.WEBHOOK_ENDPOINT_DELETED, endpoint, principal)
    session.delete(endpoint)
    session.flush()


def rotate_secret(session: Session, principal: Principal, endpoint_id: str) -> WebhookEndpoint:
    """Set a new secret; for 24 hours, messages are also signed with the old one.

    Raises:
        NotFound: the endpoint does not exist.
    """
    endpoint = locked(session, _one(endpoint_id))
    expiry = session.scalar(select(func.now() + OVERLAP))
    endpoint.previous_secret, endpoint.secret = endpoint.secret, new_secret()
    endpoint.previous_secret_expires_at = expiry
    session.flush()
    _record(session, EventType.WEBHOOK_ENDPOINT_SECRET_ROTATED, endpoint, principal)
    logger.bind(endpoint=endpoint.id, by=principal.id).info("webhook_secret_rotated")
    return endpoint


def disable(session: Session, endpoint_id: str, reason: DisabledReason) -> None:
    """Disable an endpoint, and record an event unless it was disabled before."""
    endpoints = table(WebhookEndpoint)
    disabled = session.execute(
        update(endpoints)
        .where(endpoints.c.id == endpoint_id, endpoints.c.enabled)
        .values(
            enabled=False,
            disabled_reason=reason,
            version=endpoints.c.version + 1,
            updated_at=func.clock_timestamp(),
        )
        .returning(endpoints.c.version)
    ).one_or_none()
    if disabled:
        kind = EventType.WEBHOOK_ENDPOINT_DISABLED
        events.record(session, kind, endpoint_id, disabled.version, Actor(), reason=reason)
        logger.bind(endpoint=endpoint_id, reason=reason).warning("webhook_endpoint_disabled")


def _record(
    session: Session, kind: EventType, endpoint: WebhookEndpoint, principal: Principal
) -> None:
    events.record(session, kind, endpoint.id, endpoint.version, actor_of(principal))


def _one(endpoint_id: str) -> Select[WebhookEndpoint]:
    return select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
