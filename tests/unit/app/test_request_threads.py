"""Threads that answer requests."""

from queue import SimpleQueue
from threading import Barrier, get_ident

from app.request_threads import RequestThreads


def test_all_work_at_the_same_time_and_end_after_what_was_submitted():
    together = Barrier(3)
    done: SimpleQueue[int] = SimpleQueue()

    def work(job):
        if job < 3:
            together.wait(10)
        done.put(get_ident())

    threads = RequestThreads(3, work)
    for job in range(6):
        threads.submit(job)
    threads.shutdown(wait=False)

    assert len({done.get(timeout=10) for _ in range(6)}) == 3
