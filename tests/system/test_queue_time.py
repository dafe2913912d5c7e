"""Metrics and log include the time that a request waits for a worker."""

import json
from contextlib import suppress

import httpx
import psutil
import pytest
from sqlalchemy.engine import make_url

from tests.support.probes import frozen
from tests.support.scrapes import Watched
from tests.support.servers import served
from tests.support.waiting import wait_for
from tools.embedded import free_port

ROUTE = "/api/problems"
# Seconds that a client waits for the worker.
PATIENCE = 0.5
# The kernel's clock ticks at least every 10 ms.
LEAST = PATIENCE - 0.05


@pytest.fixture
def service(new_database, migrated_url, tmp_path):
    url, port = new_database(make_url(migrated_url).database), free_port()
    production = {"FLASK_ENV": "production", "ALLOWED_HOSTS": "127.0.0.1", "LOG_LEVEL": "INFO"}
    options = {"METRICS_PORT": str(port), "GUNICORN_CMD_ARGS": "-w 1", **production}
    with (tmp_path / "log").open("w") as log, served(url, log, **options) as server:
        yield Watched(server, port)


def test_request_that_waits_for_a_busy_worker_counts_from_its_arrival(service, tmp_path):
    def logged():
        lines = map(json.loads, (tmp_path / "log").read_text().splitlines())
        return [line["ms"] / 1000 for line in lines if line.get("route") == ROUTE]

    (worker,) = psutil.Process(service.server.process.pid).children()
    with frozen(worker.pid), suppress(httpx.ReadTimeout):
        httpx.get(f"{service.server.url}{ROUTE}", timeout=PATIENCE)
    wait_for(logged)
    httpx.get(f"{service.server.url}{ROUTE}")
    wait_for(lambda: len(logged()) == 2)
    late, prompt = logged()

    assert late >= LEAST > prompt
    sums = service.values("http_request_duration_seconds_sum", "route")
    assert LEAST <= sums[ROUTE] < late + LEAST


def test_request_on_a_kept_connection_does_not_count_the_pause_before_it(service):
    with httpx.Client(base_url=service.server.url) as client:
        client.get(ROUTE)
        # A pause of the client, while the worker has nothing to do.
        with frozen(service.server.process.pid), suppress(httpx.ReadTimeout):
            httpx.get(f"http://127.0.0.1:{service.port}/metrics", timeout=PATIENCE)
        client.get(ROUTE)
    sums = service.values("http_request_duration_seconds_sum", "route")

    assert sums[ROUTE] < LEAST
