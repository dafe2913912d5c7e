"""Benchmark of webhooks: `make bench-webhooks`.

The benchmark measures the deliveries per second of one process to a local receiver, without and
with a second endpoint that never responds. Then it measures the orders per second with and without
deliveries. Compare the ratios.
"""

import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from typing import Any

import psutil
from sqlalchemy import URL, create_engine, delete
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from bench.compare import sent
from bench.load import Plan
from bench.scenarios import SCENARIOS, sign_in
from bench.targets import DATA, ROOT, TARGETS, Server, environment, fill, new_database, served
from models.events import EventType
from models.webhook_deliveries import WebhookDelivery
from models.webhook_endpoints import WebhookEndpoint
from services import events
from services.principals import Actor
from services.webhook_signatures import new_secret
from tools.embedded import free_port, postgres

EVENTS, ROUNDS, WARM_UP, SECONDS = 3000, 3, 1, 5.0
DEADLINE_SECONDS = 300


def main() -> None:
    DATA.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url = make_url(stack.enter_context(postgres(DATA / "postgres")))
        database = new_database(url.set(drivername="postgresql+psycopg2"), "bench_webhooks")
        fill(database)
        port = stack.enter_context(receiver())
        silent = stack.enter_context(silent_port())
        for _ in range(ROUNDS):
            alone = drained(database, port, [port])
            beside = drained(database, port, [port, silent])
            print(f"{alone:.0f} deliveries/s; beside a dead endpoint {beside / alone:.2f} x")
        orders(database, port)


@contextmanager
def receiver() -> Iterator[int]:
    port = free_port()
    with running("-m", "bench.receiver", str(port)):
        wait_for(lambda: connects(port))
        yield port


@contextmanager
def silent_port() -> Iterator[int]:
    """Listen on a port without ever responding."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield server.getsockname()[1]


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[psutil.Popen]:
    process = psutil.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment or None, process_group=0
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def deliverer(database: URL, *ports: int) -> Iterator[psutil.Popen]:
    networks = {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8", "FLASK_ENV": "development"}
    networks |= {"WEBHOOK_PORTS": ",".join(map(str, ports)), "LOG_LEVEL": "ERROR"}
    command = ("-m", "flask", "webhooks", "deliver")
    with running(*command, **environment(database) | networks) as process:
        yield process


def drained(database: URL, port: int, ports: list[int]) -> float:
    """Record `EVENTS` events, and return their deliveries per second after the first delivery."""
    prepare(database, ports, EVENTS)
    before = received(port)
    with deliverer(database, *ports) as process:
        wait_for(lambda: received(port) > before)
        used = [cpu_seconds(process), cpu_seconds(*backends(database))]
        first, began = received(port), time.perf_counter()
        wait_for(lambda: received(port) >= before + EVENTS)
        count, seconds = received(port) - first, time.perf_counter() - began
        now = [cpu_seconds(process), cpu_seconds(*backends(database))]
    own, postgresql = ((end - start) / count * 1000 for start, end in zip(used, now, strict=True))
    print(f"CPU time of a delivery: {own:.2f} ms, and {postgresql:.2f} ms of PostgreSQL")
    return count / seconds


def cpu_seconds(*processes: psutil.Process) -> float:
    times = [process.cpu_times() for process in processes]
    return float(sum(each.user + each.system for each in times))


def backends(database: URL) -> list[psutil.Process]:
    """Return the processes of PostgreSQL that serve connections to the database."""
    running = psutil.process_iter(["name", "cmdline"])
    return [each for each in running if is_backend(each.info, str(database.database))]


def is_backend(info: dict[str, Any], name: str) -> bool:
    return info["name"] == "postgres" and f" {name} " in " ".join(info["cmdline"] or [])


def orders(database: URL, port: int) -> None:
    """Compare the orders per second with and without the delivery of their events."""
    ratios = []
    with served(TARGETS[0], database) as service:
        for _ in range(ROUNDS):
            prepare(database, [], 0)
            without, _ = placed(service, port)
            prepare(database, [port], 0)
            with deliverer(database, port) as process:
                wait_for(lambda: process.net_connections("all"))
                time.sleep(1)
                ordered, delivered = placed(service, port)
            ratios.append(ordered / without)
            print(f"{without:.0f} orders/s; {ratios[-1]:.2f} x with {delivered:.0f} deliveries/s")
    print(f"median: {statistics.median(ratios):.2f} x")


def placed(service: Server, port: int) -> tuple[float, float]:
    """Place orders, and return the orders and the deliveries per second."""
    requests = [SCENARIOS["POST /api/orders"](each) for each in sign_in(service)]
    before = received(port)
    report = sent(Plan(service.port, requests, WARM_UP, SECONDS))
    return report["requests_per_second"], (received(port) - before) / (WARM_UP + SECONDS)


def prepare(database: URL, ports: list[int], count: int) -> None:
    """Replace all endpoints by one for each port, and record `count` events."""
    engine = create_engine(database)
    with Session(engine) as session, session.begin():
        session.execute(delete(WebhookDelivery))
        session.execute(delete(WebhookEndpoint))
        for port in ports:
            url = f"http://127.0.0.1:{port}/"
            session.add(WebhookEndpoint(url=url, secret=new_secret()))
    with Session(engine) as session, session.begin():
        kind = EventType.USER_REGISTERED
        made = [events.values(kind, f"user_{n}", 1, Actor()) for n in range(count)]
        events.record_all(session, made)
    engine.dispose()


def received(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    number = int(connection.getresponse().read())
    connection.close()
    return number


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


if __name__ == "__main__":
    main()
