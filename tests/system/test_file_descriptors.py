"""More connections than a worker has file descriptors for."""

import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from resource import RLIMIT_NOFILE

import httpx
import psutil
import pytest
from sqlalchemy.engine import make_url

from tests.support.servers import ROOT, environment, served
from tests.support.waiting import wait_for

MORE = 40


@pytest.fixture(scope="module")
def server(new_database, migrated_url):
    url = new_database(make_url(migrated_url).database)
    with served(url, GUNICORN_CMD_ARGS="-w 1") as server:
        yield server


@pytest.fixture
def full(server):
    """Return the worker, and connections that use all its descriptors."""
    (worker,) = psutil.Process(server.process.pid).children()
    most = worker.num_fds() + MORE // 2
    worker.rlimit(RLIMIT_NOFILE, (most, worker.rlimit(RLIMIT_NOFILE)[1]))
    url = httpx.URL(server.url)
    with ExitStack() as stack:
        for _ in range(MORE):
            stack.enter_context(socket.create_connection((url.host, url.port), timeout=30))
        wait_for(lambda: not worker.is_running() or worker.num_fds() == most)
        yield worker, stack


def test_worker_survives_without_descriptors_and_serves_later_connections(server, full):
    worker, connections = full
    assert worker.cpu_percent(interval=1) < 50
    connections.close()

    assert httpx.get(f"{server.url}/api/health", timeout=30).status_code == 200
    assert psutil.Process(server.process.pid).children() == [worker]


@pytest.mark.parametrize(("limit", "connections"), [("256", "192"), ("1024", "768")])
def test_worker_accepts_fewer_connections_than_descriptors(limit, connections):
    gunicorn = f"{sys.executable} -m gunicorn --print-config 'app:create_app()'"
    command = f"ulimit -n {limit}; exec {gunicorn}"
    env = environment("postgresql://localhost/unused")
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )

    assert re.search(rf"^worker_connections += {connections}$", done.stdout, re.MULTILINE)
