"""The threads that answer requests.

An executor of the standard library makes a future for each, with a lock and a condition of its own,
for somebody who waits for it; here nobody does.
"""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any


class RequestThreads:
    """So many threads, which do `work` with what is submitted, in its order.

    A process that ends doesn't wait for them: gunicorn has done that, as long as it wants to.
    """

    def __init__(self, count: int, work: Callable[[Any], None]) -> None:
        self._work = work
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._count = count
        for _ in range(count):
            Thread(target=self._run, daemon=True).start()

    def submit(self, job: Any) -> None:
        self._queue.put(job)

    def shutdown(self, wait: bool) -> None:
        """End each thread after what has been submitted; gunicorn doesn't wait for that."""
        for _ in range(self._count):
            self._queue.put(None)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._work(job)
