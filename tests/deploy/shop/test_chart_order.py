"""The script of `helm test` with `helmTest.placeOrder`, against a local server."""

import subprocess
import sys

import pytest
from sqlalchemy import create_engine, func, select

from models.orders import Order
from models.products import Product
from models.users import User
from tests.deploy import charts
from tests.support.servers import ROOT
from tests.support.servers import environment as environment_of
from tools.embedded import free_port

pytestmark = pytest.mark.deploy
MODELS = (User, Product, Order)


@pytest.fixture
def script():
    """Return the rendered command of the test pod."""
    found = charts.rendered({"helmTest": {"placeOrder": True}})
    (container,) = charts.pick(found, "Pod", "test-order")["spec"]["containers"]
    python, *arguments = container["command"]
    assert python == "python"
    return arguments


def run(script, url, environment):
    return subprocess.run(
        [sys.executable, *script, f"{url}/api"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def counts(environment):
    engine = create_engine(environment["DATABASE_URL"])
    with engine.connect() as connection:
        found = [connection.scalar(select(func.count()).select_from(each)) for each in MODELS]
    engine.dispose()
    return found


def test_succeeds_and_leaves_no_data(server, script):
    before = counts(server.environment)

    done = run(script, server.url, server.environment)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "Registered, ordered and replayed.\n"
    assert counts(server.environment) == before


def test_fails_without_a_service_and_leaves_no_data(server, script):
    before = counts(server.environment)

    done = run(script, f"http://127.0.0.1:{free_port()}", server.environment)

    assert done.returncode != 0
    assert "Connection refused" in done.stderr
    assert counts(server.environment) == before


def test_request_has_an_allowed_host(server, script):
    hosts = charts.only("ConfigMap", "existing-secret")["data"]["ALLOWED_HOSTS"]
    environment = environment_of(server.environment["DATABASE_URL"], ALLOWED_HOSTS=hosts)
    probe = [*script]
    probe[1] = probe[1].replace("main(sys.argv[1])", "print(host(Settings.load()))")

    done = run(probe, server.url, environment)

    assert done.stdout == "helm-test.example.com\n"
