"""`make run`: everything is started, told, kept and ended."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import psycopg2
import pytest
from alembic import command as alembic
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.db.schema_version import alembic_config
from services.demo import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD
from tests.support.checkouts import copied, interrupted, processes_of, unprivileged
from tests.support.servers import BASE, free_port
from tests.support.waiting import wait_for
from tools import embedded

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


@pytest.fixture(scope="module")
def checkout():
    """A copy of the checkout, with a `.data` of its own, where only its owner may look."""
    with copied() as copy:
        copy.chmod(0o700)
        copy.parent.chmod(0o700)
        yield copy


def command(checkout, port, *options, **environment):
    """Return the arguments of `subprocess` for a run in a new session, like in a terminal."""
    return {
        "args": [sys.executable, "-m", "tools.run", *options],
        "cwd": checkout,
        "env": BASE | {"PORT": str(port)} | environment,
        "text": True,
        "start_new_session": True,
    }


@contextmanager
def running(checkout, interrupt, *options):
    """Run the service; interrupt it after the block, and check that all processes end."""
    port = free_port()
    process = subprocess.Popen(**command(checkout, port, *options), stdout=subprocess.PIPE)
    try:
        yield port, banner(process)
        assert processes_of(checkout)
        interrupt(process.pid, signal.SIGINT)
        last = process.communicate(timeout=30)[0].splitlines()[-1]
        assert last == "Stopped. The data is kept for the next `make run`."
        assert process.returncode == 0
        assert processes_of(checkout) == []
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def refused(checkout, port, prefix=(), **environment):
    """Return the error message of a run that cannot start."""
    how = command(checkout, port, **environment)
    how["args"] = [*prefix, *how["args"]]
    done = subprocess.run(**how, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def banner(process):
    lines = []
    while not lines or "administrator" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], "the banner has no end"
    return "".join(lines)


def migrate(connection):
    """Bring the database to the newest schema; no demo rows are in it yet."""
    config = alembic_config()
    config.attributes["url"] = connection.engine.url.render_as_string(hide_password=False)
    alembic.upgrade(config, "head")


def waits(engine):
    """Return whether a transaction waits for a lock."""
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return connection.execute(query).scalar() > 0


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


def version(port):
    """Return the version that the service reports; None while it restarts or fails."""
    try:
        response = httpx.get(f"http://127.0.0.1:{port}/api/health")
    except httpx.TransportError:
        return None
    return response.json()["version"] if response.status_code == 200 else None


@contextmanager
def signed_in(port, email=USER, password=USER_PASSWORD):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=10) as client:
        response = client.post("/auth/login", json={"email": email, "password": password})
        client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        yield client


class TestRefused:
    def test_bad_port_is_told_in_a_line(self, checkout):
        told = refused(checkout, 65_536)

        assert told == "PORT is '65536'; it must be a number from 1 to 65535.\n"

    def test_folder_that_is_not_ones_own_is_told_in_a_line(self, checkout):
        checkout.chmod(0o500)
        try:
            told = refused(checkout, free_port(), prefix=unprivileged())
        finally:
            checkout.chmod(0o700)

        assert len(told.splitlines()) == 1
        assert told.startswith(f"Can't write to {checkout}/.data: Permission denied. Change the")

    def test_env_file_that_is_none_is_told_by_line(self, checkout):
        (checkout / ".env").write_text("LOG_LEVEL=DEBUG\nSECRET_KEY='no end\n")
        try:
            told = refused(checkout, free_port())
        finally:
            (checkout / ".env").unlink()

        assert told.splitlines()[0] == ".env cannot be read: line 2 is not NAME=value."
        assert ".env.example" in told.splitlines()[1]
        assert len(told.splitlines()) == 2

    def test_data_of_an_installation_that_was_killed_is_told_in_the_last_line(self, checkout):
        (checkout / ".data" / "postgres").mkdir(parents=True)
        (checkout / ".data" / "postgres" / "PG_VERSION").write_text("18\n")
        try:
            told = refused(checkout, free_port())
        finally:
            shutil.rmtree(checkout / ".data")

        assert "PostgreSQL in .data/postgres does not start" in told.splitlines()[-1]
        assert processes_of(checkout) == []

    def test_bad_settings_are_told_in_one_message(self, checkout):
        told = refused(checkout, free_port(), LOG_LEVEL="LOUD", DEBUG="?", DATABASE_URL="mysql://")

        assert told.count("Invalid settings:") == 1
        for name in ("LOG_LEVEL", "DEBUG", "DATABASE_URL"):
            assert f"  {name}: " in told
        assert "Traceback" not in told

    def test_database_that_is_given_and_away_is_told_and_no_other_is_started(self, checkout):
        told = refused(checkout, free_port(), DATABASE_URL="postgresql://unknown@127.0.0.1:1/none")

        assert told == (
            'PostgreSQL: connection to server at "127.0.0.1", port 1 failed: Connection refused. '
            "Check that it runs, or unset DATABASE_URL: `make run` then starts its own server.\n"
        )
        assert not (checkout / ".data").exists()


class TestInterrupted:
    def stopped(self, checkout, ready):
        """What a run says that is interrupted when `ready()`."""
        process = subprocess.Popen(**command(checkout, free_port()), stderr=subprocess.PIPE)
        told = interrupted(process, ready)
        assert process.returncode == 130
        assert "Traceback" not in told
        return told.splitlines()

    # The second is there while initdb does what takes it long.
    @pytest.mark.parametrize("made", ["postgres", "postgres/global/pg_control"])
    def test_while_postgresql_starts_is_told_in_a_line(self, checkout, made):
        shutil.rmtree(checkout / ".data", ignore_errors=True)

        told = self.stopped(checkout, (checkout / ".data" / made).exists)

        assert told == [
            "Interrupted before the service was ready. Run `make run` to start it again."
        ]
        assert processes_of(checkout) == []

    def test_while_the_demo_rows_are_loaded_is_told_in_the_last_line(self, checkout):
        with embedded.postgres(checkout / ".data" / "postgres") as url:
            engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
            with engine.begin() as connection:
                migrate(connection)
                connection.execute(text("LOCK TABLE users"))
                told = self.stopped(checkout, lambda: waits(engine))
            engine.dispose()

        assert told[-1].startswith("Interrupted before the service was ready")
        assert processes_of(checkout) == []


class TestRun:
    def test_it_serves_what_it_tells_and_keeps_the_data(self, checkout):
        with running(checkout, interrupt=os.killpg) as (port, told):
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

        # A signal to the one process, as `kill` sends it, ends everything too.
        with running(checkout, interrupt=os.kill) as (port, _), signed_in(port) as client:
            assert client.get(f"/orders/{order}").json()["status"] == "pending"


class TestCommands:
    def test_flask_commands_use_the_running_service_and_only_while_it_runs(self, checkout):
        account = ("ada@example.com", "a long enough password")

        with running(checkout, interrupt=os.killpg) as (port, _):
            email, password = account
            done = flask(checkout, "users", "create-admin", email, "--password", password)
            assert done.returncode == 0, done.stderr
            with signed_in(port, *account) as client:
                assert client.get("/users").status_code == 200

        assert not (checkout / ".flaskenv").exists()
        assert "DATABASE_URL: is missing" in flask(checkout, "prune").stderr

    def test_printed_database_url_is_that_of_the_service(self, checkout):
        with running(checkout, interrupt=os.killpg) as (_, told):
            (url,) = re.findall(r"^ +DATABASE_URL +(\S+)$", told, re.MULTILINE)
            connection = psycopg2.connect(url)
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM users WHERE email = %s", [USER])
                assert cursor.fetchone() == (1,)
            connection.close()

    def test_flaskenv_of_the_project_stays_as_it_is(self, checkout):
        file = checkout / ".flaskenv"
        file.write_text("FLASK_RUN_PORT=8080\n")
        try:
            with running(checkout, interrupt=os.killpg):
                pass
            assert file.read_text() == "FLASK_RUN_PORT=8080\n"
        finally:
            file.unlink()


class TestReload:
    def test_changed_code_is_served_without_a_restart_by_hand(self, checkout):
        file = checkout / "app" / "version.py"
        before = file.read_text()
        try:
            with running(checkout, os.killpg, "--reload") as (port, _):
                file.write_text('__version__ = "9.9.9"\n')
                assert wait_for(lambda: version(port) == "9.9.9", seconds=60)
        finally:
            file.write_text(before)

    def test_syntax_error_is_served_around_until_it_is_fixed(self, checkout):
        file = checkout / "app" / "version.py"
        before = file.read_text()
        try:
            with running(checkout, os.killpg, "--reload") as (port, _):
                file.write_text("__version__ = \n")
                assert wait_for(lambda: version(port) is None, seconds=60)
                file.write_text('__version__ = "9.9.9"\n')
                assert wait_for(lambda: version(port) == "9.9.9", seconds=60)
        finally:
            file.write_text(before)
