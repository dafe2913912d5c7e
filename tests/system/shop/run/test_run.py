"""`make run`: banner, data, and commands while the service runs."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager

import httpx
import psycopg2
import pytest

from services.demo_accounts import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD
from tests.support.runs import error_of, running
from tests.support.servers import BASE
from tests.support.waiting import wait_for

pytestmark = pytest.mark.checkout
ORDER = {
    "items": [{"product_id": "abc", "quantity": 2}, {"product_id": "def", "quantity": 1}],
    "shipping_address": {
        "street": "123 Main St",
        "city": "San Francisco",
        "state": "CA",
        "zip": "94102",
    },
}


def flask(checkout, *args):
    """Run a `flask` command of a copy, without any settings in the environment."""
    return subprocess.run(
        [sys.executable, "-m", "flask", *args],
        cwd=checkout,
        env=BASE,
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def signed_in(port, email=USER, password=USER_PASSWORD):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=10) as client:
        response = client.post("/auth/login", json={"email": email, "password": password})
        client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        yield client


class TestRun:
    def test_serves_the_urls_of_the_banner_and_keeps_the_data(self, checkout):
        with running(checkout, interrupt=os.killpg) as (port, banner):
            for path in ("/api/docs", "/api/redoc", "/api/openapi.json"):
                assert f"http://localhost:{port}{path}" in banner
                assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == 200
            assert f"{USER} / {USER_PASSWORD}" in banner
            assert f"{ADMIN} / {ADMIN_PASSWORD}" in banner

            busy = error_of(checkout, port)
            assert len(busy.splitlines()) == 1
            assert f"port {port}: Address already in use" in busy

            with signed_in(port) as client:
                order = client.post("/orders", json=ORDER).json()["id"]

        # A signal to the main process only, as from `kill`, also ends all processes.
        with running(checkout, interrupt=os.kill) as (port, _), signed_in(port) as client:
            assert client.get(f"/orders/{order}").json()["status"] == "pending"


class TestCommands:
    def test_flask_commands_use_the_running_service(self, checkout):
        account = ("ada@example.com", "a long enough password")

        with running(checkout, interrupt=os.killpg) as (port, _):
            email, password = account
            done = flask(checkout, "users", "create-admin", email, "--password", password)
            assert done.returncode == 0, done.stderr
            with signed_in(port, *account) as client:
                assert client.get("/users").status_code == 200

        assert not (checkout / ".flaskenv").exists()
        assert "DATABASE_URL: is missing" in flask(checkout, "prune").stderr

    def test_printed_database_url_is_correct(self, checkout):
        with running(checkout, interrupt=os.killpg) as (_, banner):
            (url,) = re.findall(r"^ +DATABASE_URL +(\S+)$", banner, re.MULTILINE)
            connection = psycopg2.connect(url)
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM users WHERE email = %s", [USER])
                assert cursor.fetchone() == (1,)
            connection.close()

    def test_existing_flaskenv_is_not_changed(self, checkout):
        file = checkout / ".flaskenv"
        file.write_text("FLASK_RUN_PORT=8080\n")
        try:
            with running(checkout, interrupt=os.killpg):
                pass
            assert file.read_text() == "FLASK_RUN_PORT=8080\n"
        finally:
            file.unlink()


def version(port):
    """Return the version that the service reports; None while it restarts or fails."""
    try:
        response = httpx.get(f"http://127.0.0.1:{port}/api/health")
    except httpx.TransportError:
        return None
    return response.json()["version"] if response.status_code == 200 else None


class TestReload:
    def test_changed_code_is_served_also_after_a_syntax_error(self, checkout):
        file = checkout / "app" / "version.py"
        before = file.read_text()
        try:
            with running(checkout, os.killpg, "--reload") as (port, _):
                file.write_text('__version__ = "9.9.8"\n')
                assert wait_for(lambda: version(port) == "9.9.8", seconds=60)
                file.write_text("__version__ = \n")
                assert wait_for(lambda: version(port) is None, seconds=60)
                file.write_text('__version__ = "9.9.9"\n')
                assert wait_for(lambda: version(port) == "9.9.9", seconds=60)
        finally:
            file.write_text(before)
