"""Receivers that succeed slowly leave threads of the deliverer to the others."""

from threading import Event as Flag
from threading import Thread

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from commands.webhooks import body
from models.webhook_deliveries import WebhookDelivery
from services import webhook_deliverer
from services.webhook_deliverer import Deliverer
from tests.support.waiting import wait_for
from tests.support.webhooks import add_endpoint, add_events, receiving, rules


def test_slow_receivers_delay_no_other(own_engine, monkeypatch):
    """The slow ones succeed, so their windows grow; then they do not respond in time."""
    monkeypatch.setattr(webhook_deliverer, "SLOW_MS", 50)
    over, successes, threads = Flag(), 20, 8
    succeeds = iter([True] * successes)

    def respond(_):
        over.wait(0.2 if next(succeeds, False) else 60)
        return 204, {}

    with receiving(respond) as slow, receiving() as other:
        for _ in range(2):
            add_endpoint(own_engine, slow.url)
        add_events(own_engine, 50)
        transaction = sessionmaker(own_engine, expire_on_commit=False).begin
        deliverer = Deliverer(transaction, body, rules(slow, other), threads)
        thread = Thread(target=deliverer.run)
        thread.start()
        try:
            wait_for(lambda: len(slow.messages) >= successes + threads // 2)
            add_endpoint(own_engine, other.url)
            add_events(own_engine, 50)
            wait_for(lambda: len(other.messages) == 50)
            with Session(own_engine) as session:
                timeouts = select(func.count(WebhookDelivery.last_error))
                assert session.scalar(timeouts) == 0
        finally:
            deliverer.stopping.set()
            over.set()
            thread.join()
