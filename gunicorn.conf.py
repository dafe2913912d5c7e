"""gunicorn as this service wants it; `gunicorn "app:create_app()"` finds this file by itself."""

import os
import sys
from importlib.util import find_spec
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import Any

from gunicorn.arbiter import Arbiter

from app.refusals import install
from app.settings import Settings, SettingsError
from app.worker import Worker

descriptors = getrlimit(RLIMIT_NOFILE)[0]

bind = "127.0.0.1:8000"
workers = 2
worker_class = "app.worker.Worker"
threads = 8
# Each takes a descriptor of the process; PostgreSQL, Redis and files need some too.
worker_connections = 1000 if descriptors == RLIM_INFINITY else min(1000, descriptors * 3 // 4)
timeout = 30
graceful_timeout = 25
# Longer than the idle timeout of the proxy in front, so that it never meets a closed connection.
keepalive = 75
# The socket is the master's (no `reuse_port`), so connections wait while a worker is replaced.
# Against what leaks slowly; to start a worker costs as much as a thousand requests.
max_requests = 200_000
max_requests_jitter = 20_000
# A heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
# It would be a file below $HOME, which a container's user has not got.
control_socket_disable = True
# The service has its own log of requests, and gunicorn writes into the same.
accesslog = None
logger_class = "app.server_log.ServerLogger"
# ProxyFix alone decides whom to believe, by TRUSTED_PROXIES.
forwarded_allow_ips = ""
limit_request_line = 8190
# Not `gunicorn_h1c`, should it be installed: 0.6.10 takes several spaces in a request line.
http_parser = "python"
secure_scheme_headers: dict[str, str] = {}


def on_starting(server: Arbiter) -> None:
    """Fail once, here in the master, and not again in each worker."""
    install()
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
    """Imports prometheus_client, which nobody needs who has no metrics."""
    from app.observability.metrics_server import MetricsServer

    metrics = MetricsServer(settings.metrics_port, server.cfg)
    # By this name prometheus_client finds, in the workers, where to count.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics.folder
    metrics.start()
    return metrics


def pre_fork(server: Arbiter, worker: Worker) -> None:
    worker.place = server.metrics and server.metrics.free_place(server.WORKERS.values())


def post_fork(server: Arbiter, worker: Worker) -> None:
    if server.metrics:
        server.metrics.begin_worker(worker.place)


def post_worker_init(worker: Worker) -> None:
    """Once the application is loaded, and before its first request."""
    if worker.place is not None:
        from app.observability import metrics

        metrics.init_app(worker.wsgi)
    if worker.wsgi.extensions["settings"].otel_exporter_otlp_endpoint:
        from app.observability import tracing

        worker.end_traces = tracing.init_app(worker.wsgi)


def worker_exit(server: Arbiter, worker: Worker) -> None:
    if end_traces := getattr(worker, "end_traces", None):
        end_traces()


def child_exit(server: Arbiter, worker: Worker) -> None:
    if server.metrics:
        server.metrics.forget(worker.place)
