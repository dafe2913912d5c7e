"""The service's worker with deadlines that a test can wait for."""

from app.server import worker


class Worker(worker.Worker):
    head_seconds = body_seconds = write_seconds = 0.5
