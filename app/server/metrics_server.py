"""Server of `/metrics` in gunicorn's master, on a separate port (prometheus_client, multiprocess).

The master handles no requests, so metrics stay available when all workers are busy. Each worker
writes its metrics to files in one folder, and the master adds them up. The file names contain the
slot of the worker instead of its process id, so the number of files does not grow. See
docs/decisions/0014-metrics-in-the-master.md.
"""

import atexit
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from tempfile import mkdtemp
from typing import Any

import gevent
from gevent import socket
from gevent.monkey import get_original
from gevent.pywsgi import WSGIServer
from gunicorn.config import Config
from prometheus_client import CollectorRegistry, make_wsgi_app, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from app.settings import SettingsError

MAX_CLIENTS = 8


class MetricsServer:
    """HTTP server for `/metrics`, in a native thread of the master.

    Raises:
        SettingsError: the API or another server uses the port.
    """

    def __init__(self, port: int, cfg: Config) -> None:
        self.port = port
        host = listen_host(cfg.address, port)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self.descriptor = socket.create_server((host, port), family=family).detach()
        except OSError as error:
            raise SettingsError(f"METRICS_PORT: cannot listen on {host}:{port}: {error}") from error
        self.folder = mkdtemp(prefix="metrics-", dir=cfg.worker_tmp_dir)
        self.master = os.getpid()
        atexit.register(self.remove_folder)
        # A fork copies greenlets, but no native threads. Wait until the thread has started.
        # Otherwise the first fork could copy a lock that the thread holds.
        starting = get_original("_thread", "allocate_lock")()
        starting.acquire()
        get_original("_thread", "start_new_thread")(self.serve, (starting,))
        starting.acquire()

    def serve(self, starting: Any) -> None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self.folder)  # type: ignore[no-untyped-call]
        listener = socket.socket(fileno=self.descriptor)
        wsgi = make_wsgi_app(registry)
        server = WSGIServer(listener, wsgi, spawn=MAX_CLIENTS, log=None)
        server.start()
        gevent.sleep(0)
        starting.release()
        server.serve_forever()

    def free_slot(self, workers: Iterable[Any]) -> int:
        """Return the lowest slot that no worker uses."""
        used = {worker.slot for worker in workers}
        return next(slot for slot in count() if slot not in used)

    def init_worker(self, slot: int) -> None:
        """In a worker, close the copied sockets of the server, and write to the files of `slot`."""
        for name in os.listdir("/dev/fd"):
            with suppress(OSError):  # not a socket
                copy = get_original("socket", "socket")(fileno=int(name))
                is_ours = copy.getsockname()[1:2] == (self.port,)
                copy.close() if is_ours else copy.detach()
        values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]

    def mark_dead(self, slot: int) -> None:
        """Remove the gauges of a worker that has exited, but keep its counters."""
        mark_process_dead(slot, self.folder)  # type: ignore[no-untyped-call]

    def remove_folder(self) -> None:
        if os.getpid() == self.master:
            shutil.rmtree(self.folder, ignore_errors=True)


def listen_host(addresses: list[Any], port: int) -> str:
    """Return the host on which the API listens, or 127.0.0.1 for a Unix socket or descriptor."""
    internet = [address for address in addresses if isinstance(address, tuple)]
    if any(address[1] == port for address in internet):
        raise SettingsError(f"METRICS_PORT: {port} is the port of the API; choose another.")
    return internet[0][0] if internet else "127.0.0.1"
