"""`flask webhooks deliver`, when processes are killed or stopped, or PostgreSQL restarts."""

import signal
import time

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, func, select, update
from sqlalchemy.orm import Session

from models.events import Event
from models.webhook_deliveries import WebhookDelivery
from services.webhook_deliverer import MAX_WINDOW
from tests.support.deliverers import deliverer
from tests.support.waiting import wait_for
from tests.support.webhooks import add_endpoint, add_events, receiving
from tools import embedded

EVENTS = 200


def slowly(_):
    time.sleep(0.02)
    return 204, {}


def pending(engine):
    left = select(func.count()).where(WebhookDelivery.status == "pending")
    with Session(engine) as session:
        return session.scalar(left.select_from(WebhookDelivery))


def end_leases(engine):
    """Make all claimed deliveries due, as if their leases had ended."""
    with Session(engine) as session, session.begin():
        due = update(WebhookDelivery).where(WebhookDelivery.status == "pending")
        session.execute(due.values(next_attempt_at=func.now()))


def delivered(engine, receiver):
    """Return whether the receiver has every event, and all deliveries are done."""
    with Session(engine) as session:
        wanted = set(session.scalars(select(Event.id)))
    return set(receiver.ids) == wanted and not pending(engine)


@pytest.fixture
def url(own_engine):
    return own_engine.url.render_as_string(hide_password=False)


def test_killed_process_loses_nothing(own_engine, url):
    with receiving(slowly) as receiver:
        add_endpoint(own_engine, receiver.url)
        add_events(own_engine, EVENTS)
        with deliverer(url, receiver) as killed, deliverer(url, receiver):
            wait_for(lambda: len(receiver.messages) > EVENTS // 4)
            killed.kill()
            killed.wait()
            end_leases(own_engine)

            wait_for(lambda: delivered(own_engine, receiver), 120)

    # `end_leases` repeats at most the attempts that both processes ran at this time.
    assert EVENTS <= len(receiver.messages) <= EVENTS + 2 * MAX_WINDOW


def test_requests_have_priority_over_deliveries(own_engine, url):
    with deliverer(url) as process:
        wait_for(lambda: psutil.Process(process.pid).nice() > psutil.Process().nice(), 120)


def test_two_processes_send_each_message_once(own_engine, url):
    with receiving(slowly) as receiver:
        add_endpoint(own_engine, receiver.url)
        add_events(own_engine, EVENTS)
        with deliverer(url, receiver), deliverer(url, receiver):
            wait_for(lambda: delivered(own_engine, receiver), 120)

    assert len(receiver.messages) == EVENTS


def test_sigterm_finishes_the_attempts_in_flight(own_engine, url):
    with receiving(slowly) as receiver:
        add_endpoint(own_engine, receiver.url)
        add_events(own_engine, EVENTS)
        with deliverer(url, receiver) as process:
            wait_for(lambda: len(receiver.messages) > EVENTS // 4)
            process.send_signal(signal.SIGTERM)

            assert process.wait(30) == 0

    assert len(receiver.messages) == len(set(receiver.ids)) == EVENTS - pending(own_engine)
    with Session(own_engine) as session:
        left = select(WebhookDelivery.attempts, WebhookDelivery.last_error)
        left = left.where(WebhookDelivery.status == "pending").distinct()
        assert session.execute(left).all() == [(0, None)]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart_of_postgresql_loses_nothing(own_data, own_database_url, mode):
    engine = create_engine(own_database_url, poolclass=NullPool)
    with receiving(slowly) as receiver:
        add_endpoint(engine, receiver.url)
        add_events(engine, EVENTS)
        with Session(engine) as session:
            wanted = session.scalars(select(Event.id).order_by(Event.id.desc()).limit(EVENTS)).all()
        with deliverer(own_database_url, receiver) as process:
            wait_for(lambda: len(receiver.messages) > EVENTS // 4)
            with embedded.stopped(own_data, mode):
                pass
            end_leases(engine)

            wait_for(lambda: set(wanted) <= set(receiver.ids))
            assert process.poll() is None
