"""Load generator for HTTP/1.1 with keep-alive connections: `python -m bench.load`.

The program reads a plan as JSON from standard input, and writes a report to standard output. It is
a separate process, so that it does not share the interpreter with the benchmark.
"""

import json
import math
import os
import sys
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from selectors import EVENT_READ, DefaultSelector
from socket import create_connection

# Clients reconnect after this time. Otherwise each connection would stay with its first worker, and
# a worker with too many connections would decide the result.
CONNECTION_SECONDS = 0.5
TIMEOUT_SECONDS = 10.0
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Plan:
    """Requests of each client. A client has one connection, and sends its requests in a loop.

    Each `{key}` in a request is replaced by a new Idempotency-Key.
    """

    port: int
    clients: list[list[str]]
    warm_up: float
    seconds: float


@dataclass(frozen=True)
class Report:
    """Result of a run; `completed` includes the requests of the warm-up."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    completed: int


class BrokenResponseError(Exception):
    """The connection closed before the end of the response."""


class Client:
    """Connection with one request at a time; reconnects after `seconds`."""

    def __init__(
        self, port: int, requests: list[str], selector: DefaultSelector, seconds: float = math.inf
    ) -> None:
        self.port, self.selector, self.seconds = port, selector, seconds
        self.requests = cycle(request.encode() for request in requests)
        self.connect()

    def connect(self) -> None:
        self.socket = create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS)
        self.selector.register(self.socket, EVENT_READ, self)
        self.ends_at = time.perf_counter() + self.seconds

    def close(self) -> None:
        self.selector.unregister(self.socket)
        self.socket.close()

    def send(self) -> None:
        if time.perf_counter() >= self.ends_at:
            self.close()
            self.connect()
        self.response = b""
        self.began = time.perf_counter()
        self.socket.sendall(next(self.requests).replace(b"{key}", os.urandom(16).hex().encode()))

    def receive(self) -> int | None:
        """Return the status of the response, or None while it is incomplete.

        Raises:
            BrokenResponseError: The connection closed before the end of the response.
        """
        self.response += self._received()
        head, end, body = self.response.partition(END_OF_HEAD)
        if not end or len(body) < _length(head.lower()):
            return None
        if b"connection: close" in head.lower():
            self.ends_at = 0.0
        return int(head[9:12])

    def _received(self) -> bytes:
        try:
            data = self.socket.recv(262_144)
        except OSError as error:
            raise BrokenResponseError from error
        if not data:
            raise BrokenResponseError
        return data


def _length(head: bytes) -> int:
    return int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])


class Tally:
    """Counters and latencies of a run, without the warm-up."""

    def __init__(self, warm_up: float, seconds: float) -> None:
        self.begin = time.perf_counter() + warm_up
        self.end = self.begin + seconds
        self.times: list[float] = []
        self.errors = self.completed = 0

    def add(self, began: float, now: float, status: int) -> None:
        self.completed += 1
        if not self.begin <= now < self.end:
            return
        if 200 <= status < 300:
            self.times.append(now - began)
        else:
            self.errors += 1

    def report(self) -> Report:
        times = sorted(self.times) or [0.0]
        p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
        rate = len(self.times) / (self.end - self.begin)
        return Report(rate, p50, p99, self.errors, self.completed)


def connected(plan: Plan, selector: DefaultSelector) -> list[Client]:
    """Return the clients of a plan, which reconnect one after another."""
    clients = [
        Client(plan.port, requests, selector, CONNECTION_SECONDS) for requests in plan.clients
    ]
    for i, client in enumerate(clients):
        client.ends_at -= CONNECTION_SECONDS * i / len(clients)
    return clients


def run(plan: Plan) -> Report:
    """Run a plan: each client sends its next request after the response to the last one."""
    with DefaultSelector() as selector:
        clients = connected(plan, selector)
        tally = Tally(plan.warm_up, plan.seconds)
        for client in clients:
            client.send()
        while selector.get_map():
            ready = selector.select(TIMEOUT_SECONDS)
            if not ready:
                raise TimeoutError(f"no response in {TIMEOUT_SECONDS} s")
            for key, _ in ready:
                proceed(key.data, tally)
        return tally.report()


def proceed(client: Client, tally: Tally) -> None:
    """Read from a client; after a complete response, send its next request."""
    try:
        status = client.receive()
    except BrokenResponseError:
        status, client.ends_at = 0, 0.0
    if status is None:
        return
    now = time.perf_counter()
    tally.add(client.began, now, status)
    if now < tally.end:
        client.send()
    else:
        client.close()


if __name__ == "__main__":
    json.dump(asdict(run(Plan(**json.load(sys.stdin)))), sys.stdout)
