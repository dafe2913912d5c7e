"""The deliverer sends what is due to local receivers, and a bad endpoint delays no other."""

from threading import Event as Flag
from threading import Thread
from types import SimpleNamespace

import orjson
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from commands.webhooks import body
from models.events import Event
from models.webhook_deliveries import WebhookDelivery
from models.webhook_endpoints import WebhookEndpoint
from schemas.events import EventSchema
from services import webhook_deliveries
from services.webhook_deliverer import MAX_WINDOW, THREADS, Deliverer
from services.webhook_signatures import sign
from tests.support.waiting import wait_for
from tests.support.webhooks import (
    add_endpoint,
    add_events,
    receiving,
    rules,
    wait_until_finished,
)


@pytest.fixture
def new(own_engine):
    """Return a function that creates a deliverer for some receivers."""

    def make(*receivers, threads=8):
        transaction = sessionmaker(own_engine, expire_on_commit=False).begin
        return Deliverer(transaction, body, rules(*receivers), threads)

    return make


@pytest.fixture
def rows(own_engine):
    """Return a function that reads all rows of a model."""

    def read(model):
        with Session(own_engine) as session:
            return session.scalars(select(model).order_by(model.created_at, model.id)).all()

    return read


def statuses(rows):
    return sorted(each.status for each in rows(WebhookDelivery))


class TestMessage:
    def test_is_the_event_with_the_headers_of_standard_webhooks(self, own_engine, new, rows):
        with receiving() as receiver:
            endpoint = add_endpoint(own_engine, receiver.url)
            add_events(own_engine)
            new(receiver).run(once=True)

        (event,), ((headers, sent),) = rows(Event), receiver.messages
        assert orjson.loads(sent) == orjson.loads(orjson.dumps(EventSchema().dump(event)))
        time = int(headers["webhook-timestamp"])
        assert headers["webhook-id"] == event.id
        assert headers["webhook-signature"] == sign([endpoint.secret], event.id, time, sent)
        assert headers["content-type"] == "application/json"

    def test_has_both_signatures_until_the_previous_secret_expires(self, own_engine, new, app):
        def signatures(receiver):
            new(receiver).run(once=True)
            headers, sent = receiver.messages[-1]
            return headers["webhook-signature"].split(), (
                headers["webhook-id"],
                int(headers["webhook-timestamp"]),
                sent,
            )

        with receiving() as receiver, Session(own_engine, expire_on_commit=False) as session:
            old = add_endpoint(own_engine, receiver.url)
            changed = session.get(WebhookEndpoint, old.id)
            changed.previous_secret, changed.secret = old.secret, f"{old.secret[:-4]}AAA="
            changed.previous_secret_expires_at = func.now() + text("interval '1 hour'")
            session.commit()
            add_events(own_engine)
            both, message = signatures(receiver)
            assert both == sign([changed.secret, old.secret], *message).split()
            assert len(set(both)) == 2

            expired = update(WebhookEndpoint).values(previous_secret_expires_at=func.now())
            session.execute(expired)
            session.commit()
            add_events(own_engine)
            one, message = signatures(receiver)
            assert one == [sign([changed.secret], *message)]

    def test_test_message_has_its_own_id(self, own_engine, new, rows):
        with receiving() as receiver:
            endpoint = add_endpoint(own_engine, receiver.url)
            with Session(own_engine) as session, session.begin():
                webhook_deliveries.send_test(session, endpoint.id)
            new(receiver).run(once=True)

        (delivery,), (sent,) = rows(WebhookDelivery), receiver.bodies
        assert (sent["type"], sent["resource_id"]) == ("webhook_endpoint.test", endpoint.id)
        assert receiver.ids == [sent["id"]] == [delivery.event_id]
        assert (delivery.status, delivery.last_status) == ("delivered", 204)

    def test_redelivery_and_retry_have_the_same_id(self, own_engine, new, rows):
        statuses_to_send = [503, 204, 204]
        with receiving(lambda _: (statuses_to_send.pop(0), {})) as receiver:
            endpoint = add_endpoint(own_engine, receiver.url)
            add_events(own_engine)
            new(receiver).run(once=True)
            with Session(own_engine) as session, session.begin():
                session.execute(update(WebhookDelivery).values(next_attempt_at=func.now()))
            new(receiver).run(once=True)
            (delivery,) = rows(WebhookDelivery)
            assert (delivery.status, delivery.attempts) == ("delivered", 2)
            with Session(own_engine) as session, session.begin():
                webhook_deliveries.redeliver(session, endpoint.id, delivery.id)
            new(receiver).run(once=True)

        assert receiver.ids == [delivery.event_id] * 3


class TestBadReceivers:
    def test_retry_after_delays_the_next_attempt(self, own_engine, new, rows):
        with receiving(lambda _: (429, {"Retry-After": "7200"})) as receiver:
            add_endpoint(own_engine, receiver.url)
            add_events(own_engine)
            new(receiver).run(once=True)

        (delivery,) = rows(WebhookDelivery)
        assert (delivery.status, delivery.last_status) == ("pending", 429)
        assert (delivery.next_attempt_at - delivery.updated_at).total_seconds() == 7200

    def test_410_disables_the_endpoint_and_another_gets_the_event(self, own_engine, new, rows):
        with receiving(lambda _: (410, {})) as gone, receiving() as other:
            endpoint = add_endpoint(own_engine, gone.url)
            add_endpoint(own_engine, other.url, event_types=["webhook_endpoint.disabled"])
            add_events(own_engine, 20)
            new(gone, other).run(once=True)
            wait_until_finished(own_engine)
            new(gone, other).run(once=True)

        assert len(gone.messages) == 1
        (sent,) = other.bodies
        assert (sent["type"], sent["resource_id"]) == ("webhook_endpoint.disabled", endpoint.id)

    def test_unreachable_address_is_an_error(self, own_engine, new, rows):
        with receiving() as receiver:
            add_endpoint(own_engine, receiver.url)
            add_endpoint(own_engine, f"http://10.0.0.1:{receiver.port}/")
            add_events(own_engine)
            new(receiver).run(once=True)

        assert statuses(rows) == ["delivered", "pending"]
        errors = {each.status: each.last_error for each in rows(WebhookDelivery)}
        assert errors["pending"]
        assert errors["delivered"] is None

    def test_hanging_endpoints_delay_no_other(self, own_engine, new, rows):
        """More endpoints hang than there are threads, and each has many due deliveries."""
        over = Flag()

        def hang(_):
            over.wait(60)
            return 204, {}

        with receiving(hang) as dead, receiving() as alive:
            for n in range(12):
                failing_since = {"failing_since": func.now()} if n else {}
                add_endpoint(own_engine, dead.url, **failing_since)
            add_endpoint(own_engine, alive.url)
            add_events(own_engine, 60)
            deliverer = new(dead, alive, threads=8)
            thread = Thread(target=deliverer.run)
            thread.start()
            try:
                wait_for(lambda: len(alive.messages) == 60)
                finished = len(rows(WebhookDelivery)) - statuses(rows).count("pending")
                assert 0 < len(dead.messages) <= 5
                assert finished <= 60  # none of the hanging ones has ended
            finally:
                deliverer.stopping.set()
                over.set()
                thread.join()


class TestRoom:
    def due(self, **failing):
        return [SimpleNamespace(id=name, failing=value) for name, value in failing.items()]

    def test_window_grows_with_success_and_halves_with_failure(self, own_engine, new):
        statuses_to_send = [204] * MAX_WINDOW + [503] * 100
        with receiving(lambda _: (statuses_to_send.pop(0), {})) as receiver:
            endpoint = add_endpoint(own_engine, receiver.url)
            deliverer = new(receiver, threads=THREADS)
            assert deliverer.room(self.due(**{endpoint.id: False})) == {endpoint.id: 1}
            add_events(own_engine, MAX_WINDOW)
            deliverer.run(once=True)
            assert deliverer.room(self.due(**{endpoint.id: False})) == {endpoint.id: MAX_WINDOW}
            add_events(own_engine, 1)
            deliverer.run(once=True)
            assert deliverer.room(self.due(**{endpoint.id: True})) == {endpoint.id: MAX_WINDOW // 2}

    def test_failing_endpoints_share_half_of_the_threads(self, new):
        deliverer = new(threads=8)
        failing = {f"f{n}": True for n in range(20)}
        counts = deliverer.room(self.due(**failing))
        assert sum(counts.values()) == 4

        healthy = {f"h{n}": False for n in range(20)}
        assert sum(new(threads=8).room(self.due(**healthy)).values()) == 8


class TestDatabase:
    def test_results_survive_an_error_of_the_database(self, own_engine, new, rows):
        with receiving() as receiver:
            add_endpoint(own_engine, receiver.url)
            add_events(own_engine)
            deliverer = new(receiver)
            broken = iter([False, False, True, True, False])
            transaction = deliverer.transaction

            def sometimes():
                if next(broken, False):
                    own_engine.dispose()
                    with own_engine.connect() as connection:
                        connection.execute(text("SELECT * FROM missing"))
                return transaction()

            deliverer.transaction = sometimes
            thread = Thread(target=deliverer.run)
            thread.start()
            wait_for(lambda: statuses(rows) == ["delivered"])
            deliverer.stopping.set()
            thread.join()

        assert len(receiver.messages) == 1
