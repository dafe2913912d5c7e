"""Worker class with short timeouts."""

from gevent import Timeout

from app.server import worker

worker.SOCKET_SECONDS = 0.5


class Worker(worker.Worker):
    def timeout_ctx(self):
        """Override gunicorn's timeout of `keepalive` seconds."""
        return Timeout(0.5, False)
