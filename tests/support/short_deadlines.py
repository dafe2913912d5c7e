"""The service's worker with deadlines that a test can wait for."""

from app import worker
from app.timed_socket import TimedSocket

worker.HEAD_SECONDS = worker.BODY_SECONDS = TimedSocket.send_seconds = 0.5


class Worker(worker.Worker):
    """Else as it ships."""
