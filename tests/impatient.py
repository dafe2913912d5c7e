"""The service's worker with deadlines that a test can wait for."""

from app import worker

worker.HEAD_SECONDS = worker.BODY_SECONDS = worker.SEND_SECONDS = 0.5


class Worker(worker.Worker):
    """Else as it ships."""
