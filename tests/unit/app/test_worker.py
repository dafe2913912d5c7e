"""The worker by itself; tests/system has the rest."""

import gc
from itertools import pairwise
from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import ThreadWorker

from app.worker import Worker


def test_worker_is_what_the_configuration_names():
    assert f"{Worker.__module__}.{Worker.__name__}" == "app.worker.Worker"


@pytest.mark.parametrize("patience", [1, 2, 3, 30])
def test_master_hears_of_a_worker_in_time(monkeypatch, patience):
    """Whatever a turn of its loop takes, which is a second at most."""
    for turn in (0.01, 0.3, 0.7, 0.99):
        clock, heard = [0.0], [0.0]
        worker = object.__new__(Worker)
        worker.seen_alive, worker.timeout = 0.0, patience / 2  # as the master passes it on
        worker.tmp = SimpleNamespace(notify=lambda heard=heard, clock=clock: heard.append(clock[0]))
        monkeypatch.setattr("app.worker.time.monotonic", lambda clock=clock: clock[0])
        while clock[0] < 100:
            clock[0] += turn
            worker.notify()

        silences = [after - before for before, after in pairwise([*heard, clock[0]])]
        assert max(silences) < patience


def test_master_is_not_told_at_each_turn(monkeypatch):
    told = []
    worker = object.__new__(Worker)
    worker.seen_alive, worker.timeout = 0.0, 15.0
    worker.tmp = SimpleNamespace(notify=lambda: told.append(1))
    for now in (1.0, 1.01, 1.5, 1.99):
        monkeypatch.setattr("app.worker.time.monotonic", lambda now=now: now)
        worker.notify()

    assert len(told) == 1


def test_application_is_not_looked_through_for_garbage(monkeypatch):
    monkeypatch.setattr(ThreadWorker, "load_wsgi", lambda worker: None)
    try:
        Worker.load_wsgi(object.__new__(Worker))
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
