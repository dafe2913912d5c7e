"""Worker class with short timeouts."""

from gevent import Timeout

from app.server import worker

worker.SOCKET_SECONDS = 0.5


class Worker(worker.Worker):
    def timeout_ctx(self):
        """Wait for the next request of a connection for 0.5 s, not for gunicorn's `keepalive`."""
        return Timeout(0.5, False)
