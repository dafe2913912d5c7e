"""The worker of the service with timeouts that a test can wait for."""

from gevent import Timeout

from app.server import worker

worker.SOCKET_SECONDS = 0.5


class Worker(worker.Worker):
    def timeout_ctx(self):
        """As gunicorn has it, but not as long as `keepalive`."""
        return Timeout(0.5, False)
