"""Configuration of gunicorn; `gunicorn "app:create_app()"` loads this file by default."""

# ruff: noqa: E402 (gevent must patch the standard library before anything else is imported)

import os
import sys

# The service also supports `-k gthread`, which runs without gevent.
GEVENT = "gthread" not in " ".join([*sys.argv, os.environ.get("GUNICORN_CMD_ARGS", "")])
if GEVENT:
    from gevent import monkey

    monkey.patch_all()

import gc
from importlib.util import find_spec
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.http.body import ChunkedReader
from gunicorn.http.message import Request
from gunicorn.workers.base import Worker

from app.settings import Settings, SettingsError

# Maximum bytes of a body that the service skips to keep the connection open.
MAX_UNREAD = 65_536
descriptors = getrlimit(RLIMIT_NOFILE)[0]

# `bind` is not set: gunicorn's default is 0.0.0.0:$PORT, or 127.0.0.1:8000 without PORT.
workers = os.environ.get("WEB_CONCURRENCY") or 2
worker_class = "app.server.worker.Worker"
# Each connection needs a file descriptor; PostgreSQL, Redis and files need some too.
worker_connections = 1000 if descriptors == RLIM_INFINITY else min(1000, descriptors * 3 // 4)
timeout = 30
graceful_timeout = 25
# Must exceed the idle timeout of the proxy, or the proxy can reuse a closed connection.
keepalive = 75
# `reuse_port` is not set, so that connections wait in the shared socket while a worker restarts.

# Restarts limit slow memory leaks. They are rare, because a restart takes much CPU time.
max_requests = 200_000
max_requests_jitter = 20_000
# A directory in memory, so that the heartbeat of a worker does not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
# gunicorn would create this socket in $HOME, which does not exist in the container.
control_socket_disable = True
# The service writes its own access log.
accesslog = None
logger_class = "app.server.log.ServerLogger"
# Only app/http/proxies.py reads headers of proxies, as TRUSTED_PROXIES allows.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
limit_request_line = 8190
# Not `gunicorn_h1c`, because its version 0.6.10 accepts several spaces in a request line.
http_parser = "python"


def on_starting(server: Arbiter) -> None:
    """Report invalid settings once, in the master instead of in each worker."""
    try:
        settings = Settings.load()
        require_tracing(settings)
        server.metrics = serve_metrics(server, settings) if settings.metrics_port else None
    except SettingsError as error:
        sys.exit(str(error))


def require_tracing(settings: Settings) -> None:
    if settings.otel_exporter_otlp_endpoint and not find_spec("opentelemetry"):
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT: traces need the extra `tracing`: pip install '.[tracing]'"
        )


def serve_metrics(server: Arbiter, settings: Settings) -> Any:
    """Start the metrics server."""
    # Imported here, because prometheus_client is not needed without METRICS_PORT.
    from app.server.metrics_server import MetricsServer

    metrics = MetricsServer(settings.metrics_port, server.cfg)
    # In the workers, prometheus_client writes its files to this folder.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics.folder
    return metrics


def pre_fork(server: Arbiter, worker: Worker) -> None:
    worker.slot = server.metrics and server.metrics.free_slot(server.WORKERS.values())


def post_fork(server: Arbiter, worker: Worker) -> None:
    if server.metrics:
        server.metrics.init_worker(worker.slot)


def post_worker_init(worker: Worker) -> None:
    """Prepare the loaded application before its first request."""
    if GEVENT:
        cooperate(worker.wsgi)
    if worker.slot is not None:
        from app.observability import metrics

        metrics.init_app(worker.wsgi)
    if worker.wsgi.extensions["settings"].otel_exporter_otlp_endpoint:
        from app.observability import tracing

        worker.end_traces = tracing.init_app(worker.wsgi)
    # The application lives as long as the process, so the garbage collector need not check it.
    gc.collect()
    gc.freeze()


def cooperate(app: Any) -> None:
    """Make psycopg2 and argon2 cooperate with gevent, which cannot patch C extensions."""
    from gevent import get_hub

    from app.server import postgres_wait
    from services import passwords

    postgres_wait.init_app(app)
    passwords.run_hashes_in(get_hub().threadpool.apply)


def pre_request(worker: Worker, request: Request) -> None:
    """Announce that the connection closes after a request with a large or chunked body.

    If the service rejects such a request, it does not read the rest of the body (RFC 9112, 9.6).
    """
    reader = request.body.reader
    if isinstance(reader, ChunkedReader) or reader.length > MAX_UNREAD:
        request.force_close()


def worker_exit(server: Arbiter, worker: Worker) -> None:
    if end_traces := getattr(worker, "end_traces", None):
        end_traces()


def child_exit(server: Arbiter, worker: Worker) -> None:
    if server.metrics:
        server.metrics.mark_dead(worker.slot)
