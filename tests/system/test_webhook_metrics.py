"""Metrics of `flask webhooks deliver`, on its own port."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from app.observability import webhook_metrics
from commands.webhooks import body
from models.webhook_deliveries import WebhookDelivery
from services import webhook_results
from services.webhook_deliverer import Deliverer
from tests.support.deliverers import deliverer
from tests.support.servers import free_port
from tests.support.waiting import wait_for
from tests.support.webhooks import add_endpoint, add_events, receiving, rules


def read(metric, **labels):
    for family in metric.collect():
        for sample in family.samples:
            if sample.labels == labels and not sample.name.endswith(("_created", "_bucket")):
                return sample.value
    return 0


@pytest.fixture
def deliver(own_engine):
    """Return a function that sends all due deliveries to a receiver."""
    transaction = sessionmaker(own_engine, expire_on_commit=False).begin

    def run(receiver):
        Deliverer(transaction, body, rules(receiver), observe=webhook_metrics.count).run(once=True)

    return run


class TestGauges:
    def sampled(self, engine):
        with Session(engine) as session:
            webhook_metrics.sample(session)
        gauges = webhook_metrics.BACKLOG, webhook_metrics.OLDEST
        return [
            read(gauge, receiver=receiver)
            for receiver in webhook_metrics.RECEIVERS.values()
            for gauge in gauges
        ]

    def test_no_due_delivery_is_zero(self, own_engine):
        assert self.sampled(own_engine) == [0, 0, 0, 0]

    def test_event_without_deliveries_has_an_age(self, own_engine):
        add_events(own_engine)

        backlog, oldest, *failing = self.sampled(own_engine)
        assert (backlog, oldest > 0, failing) == (0, True, [0, 0])

    def test_failed_delivery_is_due_again_later(self, own_engine, deliver):
        with receiving(lambda _: (500, {})) as receiver:
            add_endpoint(own_engine, receiver.url)
            add_events(own_engine, 3)
            deliver(receiver)
            assert self.sampled(own_engine) == [0, 0, 0, 0]
            with Session(own_engine) as session, session.begin():
                hour_ago = WebhookDelivery.next_attempt_at - webhook_results.DELAYS[-1]
                session.execute(update(WebhookDelivery).values(next_attempt_at=hour_ago))

            *healthy, backlog, oldest = self.sampled(own_engine)

        assert (healthy, backlog, oldest > 3600) == ([0, 0], 3, True)


class TestAttempts:
    def counted(self):
        outcomes = webhook_metrics.OUTCOMES.values()
        found = [read(webhook_metrics.ATTEMPTS, outcome=each) for each in outcomes]
        return [*found, read(webhook_metrics.DURATIONS)]

    @pytest.mark.parametrize(
        ("status", "attempts", "increase"),
        [
            (204, 0, [1, 0, 0, 1]),
            (500, 0, [0, 1, 0, 1]),
            (500, len(webhook_results.DELAYS), [0, 0, 1, 1]),
        ],
    )
    def test_attempt_is_counted_by_outcome(self, own_engine, deliver, status, attempts, increase):
        with receiving(lambda _: (status, {})) as receiver:
            endpoint = add_endpoint(own_engine, receiver.url)
            with Session(own_engine) as session, session.begin():
                session.add(
                    WebhookDelivery(
                        endpoint_id=endpoint.id,
                        event_id="event_00000000000000000000000001",
                        is_test=True,
                        attempts=attempts,
                    )
                )
            before = self.counted()
            deliver(receiver)

        assert [now - then for now, then in zip(self.counted(), before, strict=True)] == increase

    def test_attempt_without_response_has_no_duration(self, own_engine, deliver):
        with receiving() as receiver:
            add_endpoint(own_engine, receiver.url)
        add_events(own_engine)
        before = self.counted()
        deliver(receiver)

        assert [now - then for now, then in zip(self.counted(), before, strict=True)] == [
            0,
            1,
            0,
            0,
        ]


def test_process_serves_its_metrics(own_engine):
    url, port = own_engine.url.render_as_string(hide_password=False), free_port()

    def scraped():
        try:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        except httpx.TransportError:
            return {}
        families = text_string_to_metric_families(text)
        return {(s.name, *s.labels.values()): s.value for each in families for s in each.samples}

    with receiving() as receiver, deliverer(url, receiver, METRICS_PORT=str(port)):
        wait_for(scraped)
        assert scraped()["webhook_attempts_total", "exhausted"] == 0
        add_endpoint(own_engine, receiver.url)
        add_events(own_engine, 3)

        wait_for(lambda: scraped()["webhook_attempts_total", "delivered"] == 3)
        assert scraped()["webhook_attempt_duration_seconds_count",] == 3
        assert ("webhook_backlog", "failing") in scraped()
