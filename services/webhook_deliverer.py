"""Webhook deliverer: sends due deliveries in threads, so that a slow endpoint delays no other.

Only the thread of `run` uses the database. It claims a delivery only for a free sending
thread, so no claimed delivery waits in the process.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from threading import Event as Flag
from typing import Any

from loguru import logger
from psycopg2 import Error as DriverError
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.events import Event
from services import webhook_claims, webhook_results
from services.webhook_addresses import AddressRules
from services.webhook_fanout import Batch, fan_out
from services.webhook_requests import RequestFailed, post
from services.webhook_results import Result
from services.webhook_signatures import sign

THREADS = 128
# The window of an endpoint is the maximum number of its parallel attempts. It starts at 1, grows by
# one with each success up to MAX_WINDOW, and halves with each failure. Endpoints that fail, or that
# respond slower than SLOW_MS, get new attempts only while they use less than half of the threads.
MAX_WINDOW = 32
SLOW_MS = 1000
POLL_SECONDS = 0.5
# After one attempt ends, wait this long for others to end too: many results in one transaction take
# hardly longer than a few.
BATCH_SECONDS = 0.01
RECONNECT_SECONDS = 1.0
# After SIGTERM, the process waits this long for running attempts. Only a slow DNS lookup can make
# an attempt take longer.
GRACE_SECONDS = 15.0
TEST_TYPE = "webhook_endpoint.test"


class Deliverer:
    """A process of `flask webhooks deliver`.

    Args:
        transaction: Opens a session that commits at the end of the block.
        serialize: Returns the body of the message about an event.
        observe: Gets the result of each attempt, for metrics.
        beat: Called in each turn, for the liveness probe, also while PostgreSQL is unavailable.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Session]],
        serialize: Callable[[Any], bytes],
        rules: AddressRules,
        threads: int = THREADS,
        observe: Callable[[Result], None] = lambda _: None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.transaction, self.serialize, self.rules = transaction, serialize, rules
        self.threads, self.observe, self.beat = threads, observe, beat
        self.stopping = Flag()
        self.windows: dict[str, int] = {}
        self.failing: set[str] = set()
        # Endpoints whose last response took longer than `SLOW_MS`.
        self.slow: set[str] = set()
        self.fan_out_at = 0.0
        self.in_flight: dict[Future[Result], str] = {}
        # Results that are not yet in the database.
        self.results: list[Result] = []

    def run(self, *, once: bool = False) -> None:
        """Deliver until `stopping` is set; with `once`, until no delivery is due.

        Raises:
            SQLAlchemyError: PostgreSQL is unavailable; without `once`, the process waits instead.
        """
        with ThreadPoolExecutor(self.threads) as pool:
            while not self.stopping.is_set():
                self.beat()
                worked = self.turn(pool) if once else self.try_turn(pool)
                if once and not worked and not self.in_flight:
                    return
                self.pause(worked)
            wait(self.in_flight, timeout=GRACE_SECONDS)
            self.try_record()

    def try_turn(self, pool: Executor) -> bool:
        """Run a turn; if PostgreSQL is unavailable, log the error and wait."""
        # Create deliveries (fan out) once per `POLL_SECONDS`, because a large batch of events costs
        # little more than a small one. After a full batch, the next turn fans out again.
        now = time.monotonic()
        fans_out = now >= self.fan_out_at
        if fans_out:
            self.fan_out_at = now + POLL_SECONDS
        try:
            return self.turn(pool, fans_out)
        except (SQLAlchemyError, DriverError) as error:
            self.log(error)
            self.stopping.wait(RECONNECT_SECONDS)
            return True

    def turn(self, pool: Executor, fans_out: bool = True) -> bool:
        """Record results, fan out events and start attempts; return whether there was work."""
        self.record()
        with self.transaction() as session:
            batch = fan_out(session) if fans_out else Batch(0, full=False)
            counts = self.room(webhook_claims.due_endpoints(session))
            claimed, found = webhook_claims.claim(session, counts)
        bodies = {event.id: self.serialize(event) for event in found}
        for delivery in claimed:
            body = bodies.get(delivery.event_id) or self.serialize(test_event(delivery))
            attempt = pool.submit(send, delivery, body, self.rules)
            self.in_flight[attempt] = delivery.endpoint_id
        if batch.full:
            self.fan_out_at = 0.0
        return bool(batch.events or claimed)

    def pause(self, worked: bool) -> None:
        """Wait for the end of an attempt; without attempts and work, for a moment."""
        if self.in_flight:
            wait(self.in_flight, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            wait(self.in_flight, timeout=BATCH_SECONDS)
        elif not worked:
            self.stopping.wait(POLL_SECONDS)

    def room(self, due: Sequence[Row[str, bool]]) -> dict[str, int]:
        """Return how many deliveries of each endpoint the process can start now."""
        self.failing -= {each.id for each in due if not each.failing}
        self.failing |= {each.id for each in due if each.failing}
        busy = Counter(self.in_flight.values())
        free = self.threads - busy.total()
        limited = self.failing | self.slow
        spare = self.threads // 2 - sum(busy[each] for each in limited)
        counts: dict[str, int] = {}
        for each in random.sample(due, len(due)):
            limits = [self.windows.get(each.id, 1) - busy[each.id], free]
            count = max(0, min([*limits, spare] if each.id in limited else limits))
            free, spare = free - count, spare - count * (each.id in limited)
            if count:
                counts[each.id] = count
        return counts

    def record(self) -> None:
        """Store the results of finished attempts; after an error, the next call stores them."""
        for attempt in [each for each in self.in_flight if each.done()]:
            endpoint_id = self.in_flight.pop(attempt)
            result = attempt.result()
            self.results.append(result)
            self.observe(result)
            self.rate(endpoint_id, result)
        if self.results:
            with self.transaction() as session:
                webhook_results.record(session, self.results)
            self.results = []

    def rate(self, endpoint_id: str, result: Result) -> None:
        """Change the window of an endpoint, and note whether it is slow."""
        window = self.windows.get(endpoint_id, 1)
        self.windows[endpoint_id] = (
            min(window + 1, MAX_WINDOW) if result.succeeded else max(window // 2, 1)
        )
        self.slow.discard(endpoint_id)
        if result.response and result.response.latency_ms > SLOW_MS:
            self.slow.add(endpoint_id)

    def try_record(self) -> None:
        try:
            self.record()
        except (SQLAlchemyError, DriverError) as error:
            self.log(error)

    def log(self, error: Exception) -> None:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        logger.bind(reason=reason).warning("webhook_database_unavailable")


def test_event(delivery: Row[Any]) -> Event:
    """Return an event for a test message; the database has no event for it."""
    return Event(
        id=delivery.event_id,
        type=TEST_TYPE,
        resource_id=delivery.endpoint_id,
        resource_version=delivery.version,
        data={},
        created_at=delivery.created_at,
    )


def send(delivery: Row[Any], body: bytes, rules: AddressRules) -> Result:
    """Send a message once, with the headers of Standard Webhooks 1.0."""
    try:
        headers = signed_headers(delivery.event_id, delivery, body)
        return Result(delivery, post(delivery.url, headers, body, rules))
    except RequestFailed as error:
        return Result(delivery, error=str(error))
    except Exception:
        logger.bind(delivery=delivery.id).exception("The attempt of a webhook failed.")
        return Result(delivery, error="The service could not send the message.")


def signed_headers(message_id: str, endpoint: Row[Any], body: bytes) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(valid_secrets(endpoint), message_id, timestamp, body),
    }


def valid_secrets(endpoint: Row[Any]) -> list[str]:
    """Return the secret and, until its expiry, the previous secret."""
    expiry = endpoint.previous_secret_expires_at
    if endpoint.previous_secret and expiry and expiry > datetime.now(UTC):
        return [endpoint.secret, endpoint.previous_secret]
    return [endpoint.secret]
