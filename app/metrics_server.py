"""`/metrics` on a port of its own, served by gunicorn's master, which knows no request.

Each worker counts in files that it shares with the master (app/metrics.py). They belong to a place
and not to a process: who takes a dead worker's place counts on in its files, so that totals stay
true, and there are never more files than places. docs/decisions/0015-metrics-from-the-master.md
"""

import shutil
from collections.abc import Iterable
from itertools import count
from socket import AF_INET, AF_INET6
from socketserver import ThreadingTCPServer
from tempfile import mkdtemp
from threading import Thread
from typing import Any

from gunicorn.config import Config
from loguru import logger
from prometheus_client import CollectorRegistry, values
from prometheus_client.exposition import MetricsHandler
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from app.settings import SettingsError

CLIENT_SECONDS = 5


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
        handler.timeout = CLIENT_SECONDS  # type: ignore[attr-defined]
        try:
            super().__init__((host, port), handler)
        except OSError as error:
            raise SettingsError(f"METRICS_PORT: {host}:{port} is not to be had: {error}") from error
        self.folder = mkdtemp(prefix="metrics-", dir=cfg.worker_tmp_dir)
        MultiProcessCollector(self.registry, self.folder)  # type: ignore[no-untyped-call]

    def start(self) -> None:
        Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def end(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def free_place(self, workers: Iterable[Any]) -> int:
        """The lowest number that none of the workers has as its place."""
        taken = {worker.place for worker in workers}
        return next(place for place in count() if place not in taken)

    def begin_worker(self, place: int) -> None:
        """In a worker: leave the port to the master, and count in the files of `place`."""
        self.socket.close()
        values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]

    def forget(self, place: int) -> None:
        """What a worker had at the moment goes with it; what it has counted stays."""
        mark_process_dead(place, self.folder)  # type: ignore[no-untyped-call]

    def handle_error(self, *_: Any) -> None:
        logger.opt(exception=True).warning("a request for the metrics failed")


def _host(addresses: list[Any], port: int) -> str:
    """Where the API listens, the metrics do."""
    internet = [address for address in addresses if not isinstance(address, (str, bytes))]
    if any(address[1] == port for address in internet):
        raise SettingsError(f"METRICS_PORT: {port} is the port of the API; choose another.")
    return internet[0][0] if internet else "127.0.0.1"
