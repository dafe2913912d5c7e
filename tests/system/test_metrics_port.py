"""The metrics port: its process, conflicts with other ports, and cleanup."""

import socket
import subprocess
import sys

import httpx
import psutil
import pytest

from tests.support.scrapes import watched
from tests.support.servers import ROOT, environment
from tests.support.waiting import wait_for
from tools.embedded import free_port


@pytest.fixture(scope="module")
def service(migrated_url):
    with watched(migrated_url) as watch:
        yield watch


class TestServing:
    def test_only_the_master_listens_on_the_metrics_port(self, service):
        def ports(process):
            found = psutil.Process(process.pid).net_connections("tcp")
            return {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}

        api = httpx.URL(service.server.url).port

        assert ports(service.server.process) == {api, service.port}
        assert [ports(worker) for worker in service.workers()] == [{api}, {api}]
        assert httpx.get(f"{service.server.url}/metrics").status_code == 404

    def test_folder_is_removed_on_exit(self, migrated_url):
        with watched(migrated_url) as service:
            folder = service.folder()
            assert list(folder.iterdir())

        assert not folder.exists()

    def test_folder_is_removed_if_the_api_port_is_in_use(self, migrated_url, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port, options = taken.getsockname()[1], ("--worker-tmp-dir", str(tmp_path))
            status, _ = start(migrated_url, port, *options, METRICS_PORT=str(free_port()))

        assert status == 1
        assert not list(tmp_path.iterdir())

    def test_starting_worker_takes_no_metrics_connections(self, service):
        def asked(process):
            found = psutil.Process(process.pid).net_connections("tcp")
            return [each for each in found if each.laddr.port == service.port and each.raddr]

        with socket.create_connection(("127.0.0.1", service.port)):
            wait_for(lambda: asked(service.server.process))
            workers = service.workers()
            for worker in workers:
                worker.kill()
            wait_for(lambda: len(service.workers()) == 2 and not service.workers() & workers)
            wait_for(lambda: not any(asked(worker) for worker in service.workers()))

    def test_port_of_the_api_is_rejected_with_one_message(self, migrated_url):
        port = str(free_port())

        assert start(migrated_url, port, METRICS_PORT=port) == (
            1,
            f"METRICS_PORT: {port} is the port of the API; choose another.",
        )

    def test_port_in_use_is_one_error_message(self, migrated_url):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            status, message = start(migrated_url, str(free_port()), METRICS_PORT=port)

        assert status == 1
        assert message.startswith(f"METRICS_PORT: cannot listen on 127.0.0.1:{port}: ")


def start(url, port, *options, **more):
    """Return the exit status and the last line of a gunicorn that cannot start."""
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", *options]
    command.append("app:create_app()")
    env = environment(url, **more)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=30)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()[-1]
