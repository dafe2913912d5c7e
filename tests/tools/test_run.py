"""`make run`: everything is started, told, kept and ended."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import psutil
import pytest

from services.demo import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD
from tests.servers import BASE, ROOT, free_port, wait_until_healthy

ORDER = {
    "items": [{"product_id": "abc", "quantity": 2}, {"product_id": "def", "quantity": 1}],
    "shipping_address": {
        "street": "123 Main St",
        "city": "San Francisco",
        "state": "CA",
        "zip": "94102",
    },
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout, with a `.data` of its own, where only its owner may look."""
    copy = tmp_path_factory.mktemp("private") / "checkout"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    copy.chmod(0o700)
    copy.parent.chmod(0o700)
    return copy


def command(checkout, port, **environment):
    """What `subprocess` needs for a run; in a session of its own, as if in a terminal."""
    return {
        "args": [sys.executable, "-m", "tools.run"],
        "cwd": checkout,
        "env": BASE | {"PORT": str(port)} | environment,
        "text": True,
        "start_new_session": True,
    }


@contextmanager
def running(checkout, interrupt, **environment):
    """A run that answers; after the block it has been interrupted, and nothing is left of it."""
    port = free_port()
    process = subprocess.Popen(**command(checkout, port, **environment), stdout=subprocess.PIPE)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", process)
        yield port, process
        started = [*psutil.Process(process.pid).children(recursive=True), *postgres(checkout)]
        interrupt(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
        assert psutil.wait_procs(started, timeout=10)[1] == []
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def refused(checkout, port, **environment):
    """What a run says that can't start."""
    done = subprocess.run(**command(checkout, port, **environment), capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def postgres(checkout):
    """The process of the embedded PostgreSQL, if it runs."""
    file = checkout / ".data" / "postgres" / "postmaster.pid"
    return [psutil.Process(int(file.read_text().split()[0]))] if file.exists() else []


def banner(process):
    lines = []
    while not lines or "administrator" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], "the banner has no end"
    return "".join(lines)


@contextmanager
def signed_in(port):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=10) as client:
        answer = client.post("/auth/login", json={"email": USER, "password": USER_PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


class TestRefused:
    def test_bad_port_is_told_in_a_line(self, checkout):
        told = refused(checkout, 65_536)

        assert told == "PORT is '65536'; it must be a number from 1 to 65535.\n"

    def test_bad_settings_are_told_in_one_message(self, checkout):
        told = refused(checkout, free_port(), LOG_LEVEL="LOUD", DEBUG="?", DATABASE_URL="mysql://")

        assert told.count("These settings keep the service from starting") == 1
        for name in ("LOG_LEVEL", "DEBUG", "DATABASE_URL"):
            assert f"  {name}: " in told
        assert "Traceback" not in told

    def test_database_that_is_given_and_away_is_told_and_no_other_is_started(self, checkout):
        told = refused(checkout, free_port(), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

        assert told.startswith("PostgreSQL: connection to server")
        assert not (checkout / ".data").exists()


class TestRun:
    def test_it_serves_what_it_tells_and_keeps_the_data(self, checkout):
        with running(checkout, interrupt=os.killpg) as (port, process):
            told = banner(process)
            for path in ("/api/docs", "/api/redoc", "/api/openapi.json"):
                assert f"http://localhost:{port}{path}" in told
                assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == 200
            assert f"{USER} / {USER_PASSWORD}" in told
            assert f"{ADMIN} / {ADMIN_PASSWORD}" in told

            busy = refused(checkout, port)
            assert len(busy.splitlines()) == 1
            assert f"port {port}: Address already in use" in busy

            with signed_in(port) as client:
                order = client.post("/orders", json=ORDER).json()["id"]

        assert not postgres(checkout)
        # A signal to the one process, as `kill` sends it, ends everything too.
        with running(checkout, interrupt=os.kill) as (port, _), signed_in(port) as client:
            assert client.get(f"/orders/{order}").json()["status"] == "pending"
