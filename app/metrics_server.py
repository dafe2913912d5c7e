"""`/metrics` on a port of its own, served by gunicorn's master, which knows no request.

Each worker counts in files that it shares with the master (app/metrics.py). They belong to a place
and not to a process: who takes a dead worker's place counts on in its files, so that totals stay
true, and there are never more files than places. docs/decisions/0015-metrics-from-the-master.md
"""

import atexit
import os
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from socket import AF_INET, AF_INET6, SHUT_RDWR, socket
from socketserver import ThreadingTCPServer
from tempfile import mkdtemp
from typing import Any

from gevent.monkey import get_original
from gunicorn.config import Config
from loguru import logger
from prometheus_client import CollectorRegistry, values
from prometheus_client.exposition import MetricsHandler
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from app.settings import SettingsError

# The most connections at a time, lest they take the descriptors that the master needs to fork.
CLIENTS = 8
# From the beginning of a connection to its end.
CLIENT_SECONDS = 5.0


class MetricsServer(ThreadingTCPServer):
    """Adds up what the workers have counted, in threads of the master.

    Raises:
        SettingsError: the port is the API's, or somebody else's.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, cfg: Config) -> None:
        host = _host(cfg.address, port)
        self.address_family = AF_INET6 if ":" in host else AF_INET
        self.registry = CollectorRegistry()
        handler = MetricsHandler.factory(self.registry)
        self.deadlines: dict[socket, float] = {}
        try:
            super().__init__((host, port), handler)
        except OSError as error:
            raise SettingsError(f"METRICS_PORT: {host}:{port} is not to be had: {error}") from error
        # Under gevent a socket may only wait in the thread that has made it.
        self.socket.setblocking(False)
        self.master = os.getpid()
        self.folder = mkdtemp(prefix="metrics-", dir=cfg.worker_tmp_dir)
        # gunicorn has a hook for its end, but not if it ends before it listens.
        atexit.register(self.end)
        MultiProcessCollector(self.registry, self.folder)  # type: ignore[no-untyped-call]

    def start(self) -> None:
        # A native thread, even where gevent has patched `threading`: a fork does not copy it into
        # a worker, as it would copy a greenlet.
        get_original("_thread", "start_new_thread")(self.serve_forever, ())

    def end(self) -> None:
        if os.getpid() == self.master:
            shutil.rmtree(self.folder, ignore_errors=True)

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self.deadlines) >= CLIENTS:
            self.shutdown_request(request)
            return
        self.deadlines[request] = time.monotonic() + CLIENT_SECONDS
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Twice a second, and after each connection: end those whose time is over."""
        now = time.monotonic()
        for request, deadline in self.deadlines.copy().items():
            if deadline <= now:
                # Its thread wakes up, and closes it.
                with suppress(OSError):
                    request.shutdown(SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.deadlines.pop(request, None)

    def free_place(self, workers: Iterable[Any]) -> int:
        """The lowest number that none of the workers has as its place."""
        taken = {worker.place for worker in workers}
        return next(place for place in count() if place not in taken)

    def begin_worker(self, place: int) -> None:
        """In a worker: leave the port to the master, and count in the files of `place`."""
        self.socket.close()
        for request in self.deadlines:
            # Its close() would wait for a thread that the worker has not got.
            with suppress(OSError):
                os.close(request.detach())
        values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]

    def forget(self, place: int) -> None:
        """What a worker had at the moment goes with it; what it has counted stays."""
        mark_process_dead(place, self.folder)  # type: ignore[no-untyped-call]

    def handle_error(self, *_: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that has gone
            logger.opt(exception=True).warning("a request for the metrics failed")


def _host(addresses: list[Any], port: int) -> str:
    """Where the API listens, the metrics do."""
    internet = [address for address in addresses if isinstance(address, tuple)]
    if any(address[1] == port for address in internet):
        raise SettingsError(f"METRICS_PORT: {port} is the port of the API; choose another.")
    return internet[0][0] if internet else "127.0.0.1"
