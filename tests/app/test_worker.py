"""The worker by itself; tests/test_slow_clients.py and tests/test_rude_clients.py have the rest."""

from app.worker import Worker


def test_worker_is_what_the_configuration_names():
    assert f"{Worker.__module__}.{Worker.__name__}" == "app.worker.Worker"
