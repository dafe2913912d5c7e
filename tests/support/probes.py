"""Liveness and readiness probes of the service while a dependency is unavailable."""

import os
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from threading import Event, Thread

import httpx
import psutil

PAUSE, QUICK = 0.05, 0.1


@dataclass
class Liveness:
    """Durations and failures of repeated liveness probes."""

    url: str
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def ask(self, over: Event) -> None:
        while not over.wait(PAUSE):
            began = time.monotonic()
            try:
                status = self.probe()
            except OSError as error:
                self.failures.append(repr(error))
            else:
                self.failures += [f"status {status}"] if status != 200 else []
            self.seconds.append(time.monotonic() - began)

    def probe(self) -> int:
        url = httpx.URL(self.url)
        with closing(HTTPConnection(url.host, url.port, timeout=5)) as connection:
            connection.request("GET", "/api/health/live")
            return connection.getresponse().status

    @property
    def quick(self) -> float:
        """Return the share of the time in which probes took at most 100 ms.

        A share of the number of probes would hide slow ones, which are fewer.
        """
        slow = sum(each for each in self.seconds if each > QUICK)
        return 1 - slow / (sum(self.seconds) + PAUSE * len(self.seconds))


@contextmanager
def alive(url: str) -> Iterator[Liveness]:
    """Probe during the block; fail on an error, or if more than a quarter of the time is slow."""
    liveness, over = Liveness(url), Event()
    thread = Thread(target=liveness.ask, args=(over,))
    thread.start()
    try:
        yield liveness
    finally:
        over.set()
        thread.join()
    median, longest = statistics.median(liveness.seconds), max(liveness.seconds)
    print(f"{len(liveness.seconds)} probes, median {median:.3f} s, longest {longest:.3f} s")
    assert not liveness.failures
    assert liveness.quick > 0.75


def ready(url: str) -> httpx.Response | None:
    try:
        return httpx.get(f"{url}/api/health/ready", timeout=30)
    except httpx.TransportError:
        return None


def recovery(url: str, seconds: float = 30) -> float:
    """Wait until the service is ready, and return the seconds."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        response = ready(url)
        if response is not None and response.status_code == 200:
            took = time.monotonic() - began
            print(f"ready again after {took * 1000:.0f} ms")
            return took
        time.sleep(0.02)
    raise AssertionError(f"not ready within {seconds} s")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process and its children (SIGSTOP) until the end of the block."""
    process = psutil.Process(pid)
    everyone = [process, *process.children(recursive=True)]
    for each in everyone:
        each.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for each in everyone:
            os.kill(each.pid, signal.SIGCONT)
