"""The worker by itself; tests/test_slow_clients.py and tests/test_rude_clients.py have the rest."""

import gc

from gunicorn.workers.gthread import ThreadWorker

from app.worker import Worker


def test_worker_is_what_the_configuration_names():
    assert f"{Worker.__module__}.{Worker.__name__}" == "app.worker.Worker"


def test_application_is_not_looked_through_for_garbage(monkeypatch):
    monkeypatch.setattr(ThreadWorker, "load_wsgi", lambda worker: None)
    try:
        Worker.load_wsgi(object.__new__(Worker))
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
