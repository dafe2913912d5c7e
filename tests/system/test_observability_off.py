"""Disabled metrics and traces have no cost."""

import subprocess
import sys

import psutil
import pytest

from tests.support.servers import ROOT, environment, served
from tools.embedded import free_port

# Runs the hooks of gunicorn from its start to the first request. As in gunicorn, a child process is
# the worker: `post_fork` closes the sockets of the metrics server, which runs in the master.
START = """
import os, runpy, sys
from types import SimpleNamespace

hooks = runpy.run_path("gunicorn.conf.py")
from app import create_app
from gunicorn.http.body import Body, LengthReader
cfg = SimpleNamespace(address=[("127.0.0.1", 1)], worker_tmp_dir=None)
server = SimpleNamespace(cfg=cfg, WORKERS={})
worker = SimpleNamespace()
hooks["on_starting"](server)
hooks["pre_fork"](server, worker)
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
hooks["post_fork"](server, worker)
app = worker.wsgi = create_app()
hooks["post_worker_init"](worker)
empty = Body(LengthReader(None, 0))
app.test_client().get("/api/health/live", environ_overrides={"wsgi.input": empty})
hooks["worker_exit"](server, worker)
hooks["child_exit"](server, worker)
print(app.wsgi_app.__module__ == "app.http.proxies")
print(*sys.modules.keys() & {"prometheus_client", "opentelemetry.instrumentation"})
"""
ENDPOINT = "http://127.0.0.1:4318"
NO_PACKAGE = 'import sys; sys.modules["opentelemetry"] = None\n'


def started(url, code=START, **more):
    command = [sys.executable, "-c", code]
    env = environment(url, **more)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


class TestOff:
    def test_disabled_features_import_and_patch_nothing(self, migrated_url):
        done = started(migrated_url)

        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == ["True", ""]

    @pytest.mark.parametrize(
        ("name", "package"),
        [
            ("METRICS_PORT", "prometheus_client"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry.instrumentation"),
        ],
    )
    def test_each_feature_can_be_enabled_alone(self, migrated_url, name, package):
        values = {"METRICS_PORT": str(free_port()), "OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT}
        done = started(migrated_url, **{name: values[name]})

        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1] == package

    def test_only_the_api_port_is_open(self, migrated_url):
        with served(migrated_url) as server:
            found = psutil.Process(server.process.pid).net_connections("tcp")

        assert sum(each.status == psutil.CONN_LISTEN for each in found) == 1


def test_traces_without_their_packages_fail_with_one_message(migrated_url):
    code = NO_PACKAGE + START
    done = started(migrated_url, code, OTEL_EXPORTER_OTLP_ENDPOINT=ENDPOINT)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "OTEL_EXPORTER_OTLP_ENDPOINT: traces need the extra `tracing`: pip install '.[tracing]'"
    ]
