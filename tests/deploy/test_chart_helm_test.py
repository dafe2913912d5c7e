"""The default script of `helm test`, against a local server."""

import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.deploy import charts
from tests.support.servers import BASE
from tools.embedded import free_port

pytestmark = pytest.mark.deploy


def pods(values):
    return {
        each["metadata"]["name"]: charts.pod_spec(each)["containers"][0]
        for each in charts.rendered(values)
        if each["kind"] == "Pod"
    }


@pytest.fixture(scope="module")
def script():
    """Return the rendered command of the test pod."""
    (container,) = pods({}).values()
    python, *arguments = container["command"]
    assert python == "python"
    return arguments


def run(script, url, hosts="127.0.0.1"):
    return subprocess.run(
        [sys.executable, *script, f"{url}/api"],
        env=BASE | {"ALLOWED_HOSTS": hosts},
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def responding(status):
    """Run a server that returns a status and `{}`, and collects the requests."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append((self.command, self.headers["Host"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requests
        server.shutdown()


def test_test_pod_has_no_database_credentials():
    (container,) = pods({}).values()

    assert "secret" not in str(container["env"]).lower()
    assert "envFrom" not in container
    assert [entry["name"] for entry in container["env"]] == ["ALLOWED_HOSTS"]


def test_order_is_placed_only_if_enabled():
    assert list(pods({})) == ["shop-flask-api-test"]
    assert set(pods({"helmTest": {"placeOrder": True}})) == {
        "shop-flask-api-test",
        "shop-flask-api-test-order",
    }


def test_succeeds_for_a_working_service(server, script):
    done = run(script, server.url)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "The service is ready and responds.\n"


@pytest.mark.parametrize("status", [200, 401, 404, 503])
def test_fails_for_an_unexpected_response(script, status):
    with responding(status) as (url, _):
        assert run(script, url).returncode != 0


def test_fails_without_a_server(script):
    done = run(script, f"http://127.0.0.1:{free_port()}")

    assert done.returncode != 0
    assert "Connection refused" in done.stderr


@pytest.mark.parametrize(
    ("allowed", "host"),
    [("", "localhost"), ("a.example.com, b", "a.example.com"), (".x.org", "helm-test.x.org")],
)
def test_only_reads_and_uses_an_allowed_host(script, allowed, host):
    with responding(503) as (url, requests):
        run(script, url, allowed)

    assert requests == [("GET", host)]
