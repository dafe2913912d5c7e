"""Configuration of gunicorn; `gunicorn "app:create_app()"` finds this file by itself."""

# ruff: noqa: E402 (gevent must patch the standard library before anything else is imported)

import os
import sys

# The other worker that this service supports, `-k gthread`, runs without gevent.
GEVENT = "gthread" not in " ".join([*sys.argv, os.environ.get("GUNICORN_CMD_ARGS", "")])
if GEVENT:
    from gevent import monkey

    monkey.patch_all()

import gc
from importlib.util import find_spec
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.http.message import Request
from gunicorn.workers.base import Worker

from app.server.requests import refuse_repeated_headers
from app.settings import Settings, SettingsError

descriptors = getrlimit(RLIMIT_NOFILE)[0]

bind = "127.0.0.1:8000"
workers = 2
worker_class = "app.server.worker.Worker"
# Each connection takes a descriptor; PostgreSQL, Redis and files need some too.
worker_connections = 1000 if descriptors == RLIM_INFINITY else min(1000, descriptors * 3 // 4)
timeout = 30
graceful_timeout = 25
# Longer than the idle timeout of the proxy in front, so that it never meets a closed connection.
keepalive = 75
# The workers share one socket (no `reuse_port`): connections wait there while a worker is replaced.
# Against slow leaks. A new worker costs as much CPU time as a thousand requests.
max_requests = 200_000
max_requests_jitter = 20_000
# A heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
# It would be a file below $HOME, which the user of a container does not have.
control_socket_disable = True
# The service has its own access log; gunicorn's messages go to the same output.
accesslog = None
logger_class = "app.server.log.ServerLogger"
# app/http/proxies.py decides which headers of a proxy count (TRUSTED_PROXIES).
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
limit_request_line = 8190
# Not `gunicorn_h1c`, should it be installed: 0.6.10 accepts several spaces in a request line.
http_parser = "python"


def on_starting(server: Arbiter) -> None:
    """Report bad settings once, in the master, and not again in each worker."""
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
    """Start the metrics server; prometheus_client is only imported where it is needed."""
    from app.server.metrics_server import MetricsServer

    metrics = MetricsServer(settings.metrics_port, server.cfg)
    # Where prometheus_client writes, in the workers.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics.folder
    return metrics


def pre_fork(server: Arbiter, worker: Worker) -> None:
    worker.place = server.metrics and server.metrics.free_place(server.WORKERS.values())


def post_fork(server: Arbiter, worker: Worker) -> None:
    if server.metrics:
        server.metrics.begin_worker(worker.place)


def post_worker_init(worker: Worker) -> None:
    """Prepare the loaded application, before its first request."""
    if GEVENT:
        cooperate(worker.wsgi)
    if worker.place is not None:
        from app.observability import metrics

        metrics.init_app(worker.wsgi)
    if worker.wsgi.extensions["settings"].otel_exporter_otlp_endpoint:
        from app.observability import tracing

        worker.end_traces = tracing.init_app(worker.wsgi)
    # The application lives as long as the process; the garbage collector need not look through it.
    gc.collect()
    gc.freeze()


def cooperate(app: Any) -> None:
    """Keep PostgreSQL and argon2 from blocking the event loop, which monkey patches cannot do."""
    from gevent import get_hub

    from app.server import postgres_wait
    from services import passwords

    postgres_wait.init_app(app)
    passwords.run_hashes_in(get_hub().threadpool.apply)


def pre_request(worker: Worker, request: Request) -> None:
    refuse_repeated_headers(request)


def worker_exit(server: Arbiter, worker: Worker) -> None:
    if end_traces := getattr(worker, "end_traces", None):
        end_traces()


def child_exit(server: Arbiter, worker: Worker) -> None:
    if server.metrics:
        server.metrics.forget(worker.place)
