"""gunicorn as this service wants it; `gunicorn "app:create_app()"` finds this file by itself."""

import os
import sys

from app.refusals import install

bind = "127.0.0.1:8000"
workers = 2
worker_class = "gthread"
threads = 8
# Each worker has a socket of its own: on a shared one, one worker often gets most connections.
reuse_port = sys.platform == "linux"
timeout = 30
graceful_timeout = 25
# Longer than the idle timeout of the proxy in front, so that it never meets a closed connection.
keepalive = 75
max_requests = 2000
max_requests_jitter = 200
# A heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
# It would be a file below $HOME, which a container's user has not got.
control_socket_disable = True
# The service has its own log of requests.
accesslog = None
# ProxyFix alone decides whom to believe, by TRUSTED_PROXIES.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}


def on_starting(server: object) -> None:
    install()
