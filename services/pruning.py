"""Deletion of expired keys, sessions and tokens, old events, deliveries and mails."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.account_tokens import AccountToken
from models.api_keys import APIKey
from models.base import Base
from models.events import EVENT_ID, Event
from models.idempotency import IdempotencyKey
from models.mails import MAIL_ID, Mail
from models.sessions import AuthSession
from models.webhook_deliveries import DeliveryStatus, WebhookDelivery
from models.webhook_endpoints import WebhookEndpoint
from services import idempotency

# During this time, administrators can look up a key whose id is in the log.
API_KEY_RETENTION = timedelta(days=30)
EVENT_RETENTION = DELIVERY_RETENTION = timedelta(days=30)
# Longer than the time of all attempts to send a mail.
MAIL_RETENTION = timedelta(days=7)


def idempotency_keys(session: Session, limit: int) -> int:
    """Delete at most `limit` expired keys, and return how many."""
    age = IdempotencyKey.created_at
    old = age < func.now() - idempotency.LIFETIME
    return _erase(session, IdempotencyKey, old, age, limit)


def sessions(session: Session, limit: int) -> int:
    """Delete at most `limit` expired sessions, and return how many.

    A session that was ended earlier is kept until its expiry.
    """
    expiry = AuthSession.expires_at
    return _erase(session, AuthSession, expiry < func.now(), expiry, limit)


def api_keys(session: Session, limit: int) -> int:
    """Delete at most `limit` keys that expired or were revoked more than 30 days ago."""
    end = func.least(APIKey.expires_at, APIKey.revoked_at)  # ignores NULL
    return _erase(session, APIKey, end < func.now() - API_KEY_RETENTION, end, limit)


def events(session: Session, limit: int) -> int:
    """Delete at most `limit` events that are older than 30 days and have no pending delivery.

    An id contains the time, so the primary key finds the oldest events.
    """
    oldest_kept = EVENT_ID.at((datetime.now(UTC) - EVENT_RETENTION).timestamp())
    pending = exists().where(
        WebhookDelivery.event_id == Event.id, WebhookDelivery.status == DeliveryStatus.PENDING
    )
    return _erase(session, Event, (Event.id < oldest_kept) & ~pending, Event.id, limit)


def deliveries(session: Session, limit: int) -> int:
    """Delete at most `limit` deliveries that finished more than 30 days ago.

    A pending delivery counts as finished if its endpoint has been disabled for 30 days.
    """
    age = WebhookDelivery.updated_at
    disabled = exists().where(
        WebhookEndpoint.id == WebhookDelivery.endpoint_id,
        ~WebhookEndpoint.enabled,
        WebhookEndpoint.updated_at < func.now() - DELIVERY_RETENTION,
    )
    finished = or_(WebhookDelivery.status != DeliveryStatus.PENDING, disabled)
    old = (age < func.now() - DELIVERY_RETENTION) & finished
    return _erase(session, WebhookDelivery, old, age, limit)


def mails(session: Session, limit: int) -> int:
    """Delete at most `limit` mails that are older than seven days."""
    oldest_kept = MAIL_ID.at((datetime.now(UTC) - MAIL_RETENTION).timestamp())
    return _erase(session, Mail, Mail.id < oldest_kept, Mail.id, limit)


def account_tokens(session: Session, limit: int) -> int:
    """Delete at most `limit` expired tokens that were sent in mails."""
    expiry = AccountToken.expires_at
    return _erase(session, AccountToken, expiry < func.now(), expiry, limit)


def _erase(
    session: Session,
    model: type[Base],
    where: ColumnElement[bool],
    oldest_first: InstrumentedAttribute | ColumnElement,
    limit: int,
) -> int:
    """Delete rows, but skip locked rows: pruning and requests must not wait for each other."""
    key = model.__mapper__.primary_key
    batch = select(*key).where(where).order_by(oldest_first).limit(limit)
    free = batch.with_for_update(skip_locked=True).cte("free")
    matches = [column == free.c[column.name] for column in key]
    erased = delete(model).where(*matches).returning(literal(1))
    return len(session.execute(erased, execution_options={"synchronize_session": False}).all())
