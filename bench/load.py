"""Sends requests over kept-alive connections and times the answers: `python -m bench.load`.

A process of its own, so that it shares no interpreter with who asks for it: a plan comes as JSON on
standard input, and a report goes to standard output.
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

# A connection stays with the process that accepted it. Renewed now and then, one after another,
# they find their way to the processes that are idle, and no run is decided by how the first fell.
CONNECTION_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Plan:
    """What to send: each client has a connection and takes its own requests in turn.

    `{key}` in a request becomes a new key each time.
    """

    port: int
    clients: list[list[str]]
    warm_up: float
    seconds: float


@dataclass(frozen=True)
class Report:
    """What came of it; `answered` counts the warm-up too."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    answered: int


class BrokenAnswerError(Exception):
    """The connection ended before the answer did."""


class Client:
    """A connection with one request at a time on its way; a new one after so many seconds."""

    def __init__(
        self, port: int, requests: list[str], selector: DefaultSelector, seconds: float = math.inf
    ) -> None:
        self.port, self.selector, self.seconds = port, selector, seconds
        self.requests = cycle(request.encode() for request in requests)
        self.connect()

    def connect(self) -> None:
        self.socket = create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)
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
        """The status of the answer, once all of it is there.

        Raises:
            BrokenAnswerError: it will never be.
        """
        arrived = self._arrived()
        self.response += arrived
        head, end, body = self.response.partition(END_OF_HEAD)
        if not end or len(body) < _length(head.lower()):
            return None
        if b"connection: close" in head.lower():
            self.ends_at = 0.0
        return int(head[9:12])

    def _arrived(self) -> bytes:
        try:
            arrived = self.socket.recv(262_144)
        except OSError as error:
            raise BrokenAnswerError from error
        if not arrived:
            raise BrokenAnswerError
        return arrived


def _length(head: bytes) -> int:
    return int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])


class Tally:
    """What has been counted since the warm-up."""

    def __init__(self, warm_up: float, seconds: float) -> None:
        self.begin = time.perf_counter() + warm_up
        self.end = self.begin + seconds
        self.times: list[float] = []
        self.errors = self.answered = 0

    def add(self, began: float, now: float, status: int) -> None:
        self.answered += 1
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
        return Report(rate, p50, p99, self.errors, self.answered)


def connected(plan: Plan, selector: DefaultSelector) -> list[Client]:
    """The clients of a plan, whose connections will be renewed one after another."""
    clients = [
        Client(plan.port, requests, selector, CONNECTION_SECONDS) for requests in plan.clients
    ]
    for i, client in enumerate(clients):
        client.ends_at -= CONNECTION_SECONDS * i / len(clients)
    return clients


def run(plan: Plan) -> Report:
    """Send as fast as the answers come, and end when the last one is there."""
    with DefaultSelector() as selector:
        clients = connected(plan, selector)
        tally = Tally(plan.warm_up, plan.seconds)
        for client in clients:
            client.send()
        while selector.get_map():
            ready = selector.select(PATIENCE_SECONDS)
            if not ready:
                raise TimeoutError(f"no answer in {PATIENCE_SECONDS} s")
            for key, _ in ready:
                proceed(key.data, tally)
        return tally.report()


def proceed(client: Client, tally: Tally) -> None:
    """Take what has arrived for a client; after an answer comes its next request."""
    try:
        status = client.receive()
    except BrokenAnswerError:
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
