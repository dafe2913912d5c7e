"""The service of `make run`: start the database, migrate, load demo rows, start the server."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import click
from alembic import command
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.db.schema_version import alembic_config
from app.settings import Settings, SettingsError, sources
from app.settings.safety import SAMPLE_SECRET
from services.demo_accounts import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD
from tools.flaskenv import flaskenv

DATA = Path(".data")
START_SECONDS = 60
SETTINGS = "Set them in the environment, .env or config.py; .env.example has working values."
# Allow webhook receivers on this machine; the guide "Receive events" uses port 8080.
LOCAL_RECEIVERS = {
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
    "WEBHOOK_PORTS": "443,8080,8443",
}
# Mails are written to the log.
MAILS = {"SMTP_URL": "log:", "MAIL_FROM": "Flask API Service <no-reply@example.com>"}
DELIVER = ["-m", "flask", "deliver"]

BANNER = """
  The service is ready. Press Ctrl-C to stop it.

    Start page    {url}/api/
    Swagger UI    {url}/api/docs
    ReDoc         {url}/api/redoc
    OpenAPI       {url}/api/openapi.json
"""
EMBEDDED = """
    DATABASE_URL  {url}
    commands      .venv/bin/flask --help
"""
ACCOUNTS = f"""
    user          {USER} / {USER_PASSWORD}
    administrator {ADMIN} / {ADMIN_PASSWORD}
"""


class CannotRunError(Exception):
    """The service cannot start; the text is the reason and the next step."""


def serve(reload: bool) -> int:
    """Serve until Ctrl-C, and return the exit status of the server.

    Args:
        reload: Whether to restart the server when the code changes.

    Raises:
        CannotRunError: The service cannot start.
    """
    try:
        given = sources()
        port = _free_port(str(given.get("PORT") or "5000"))
        with ExitStack() as stack:
            return _serve(given, _defaults(given, port, stack), port, reload)
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        hint = "Check that it runs, or unset DATABASE_URL: `make run` then starts its own server."
        raise CannotRunError(f"PostgreSQL: {reason}. {hint}") from error
    except CommandError as error:
        raise CannotRunError(
            f"The database has the schema of another version: {error}. Use that version or "
            "another database."
        ) from error
    except SettingsError as error:
        raise CannotRunError(f"{error}\n{SETTINGS}") from error


def _free_port(value: str) -> int:
    """Return the port, if it is valid and free."""
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65_536):
        raise CannotRunError(f"PORT is {value!r}; it must be a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(value)))
        except OSError as error:
            raise CannotRunError(
                f"Can't listen on port {value}: {error.strerror}. Choose another port: "
                "make run PORT=5001"
            ) from error
    return int(value)


def _defaults(given: dict[str, Any], port: int, stack: ExitStack) -> dict[str, str]:
    """Return defaults for unset settings; start a PostgreSQL server if no URL is set."""
    defaults = {"FLASK_ENV": "development", "SECRET_KEY": SAMPLE_SECRET}
    if not (given.get("DATABASE_URL") or given.get("SQLALCHEMY_DATABASE_URI")):
        from tools.embedded import postgres

        try:
            defaults["DATABASE_URL"] = stack.enter_context(postgres(DATA / "postgres"))
        except OSError as error:
            raise CannotRunError(
                f"Can't write to {DATA.absolute()}: {error.strerror}. Change the owner of the "
                "folder, or set DATABASE_URL to your own PostgreSQL."
            ) from error
        except subprocess.SubprocessError as error:
            raise CannotRunError(
                f"The PostgreSQL in {DATA}/postgres does not start, see above. Try again. If it "
                "fails again, rename the folder to start with an empty database."
            ) from error
    if given.get("FLASK_ENV") != "production":
        defaults |= LOCAL_RECEIVERS | MAILS | {"PUBLIC_URL": f"http://localhost:{port}"}
    defaults = {name: value for name, value in defaults.items() if not given.get(name)}
    if "DATABASE_URL" in defaults:
        stack.enter_context(flaskenv(defaults))
    return defaults


def _serve(given: dict[str, Any], defaults: dict[str, str], port: int, reload: bool) -> int:
    settings = Settings.load(given | defaults)
    config = alembic_config()
    config.attributes["url"] = settings.database_url
    command.upgrade(config, "head")
    accounts = "" if settings.production else _load_demo(settings)
    with ExitStack() as stack:
        server = stack.enter_context(_server(_command(settings, port, reload), defaults))
        _wait_until_healthy(server, port)
        # The server uses METRICS_PORT; 0 disables the metrics of `flask deliver`.
        stack.enter_context(_server(DELIVER, defaults | {"METRICS_PORT": "0"}))
        try:
            print(_banner(defaults.get("DATABASE_URL"), port) + accounts, flush=True)
            return server.wait()
        except KeyboardInterrupt:
            return 0


def _command(settings: Settings, port: int, reload: bool) -> list[str]:
    """Return the arguments of Python for the server."""
    if reload:
        return ["-m", "flask", "run", "--debug", "--port", str(port)]
    # Without Redis each process counts its own requests: one process keeps the limits exact.
    workers = "2" if settings.redis_url else "1"
    return ["-m", "gunicorn", "-w", workers, "-b", f"127.0.0.1:{port}", "app:create_app()"]


def _banner(embedded: str | None, port: int) -> str:
    text = BANNER.format(url=f"http://localhost:{port}")
    return text + EMBEDDED.format(url=embedded) if embedded else text


@contextmanager
def _server(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server until the end of the block.

    The server has its own process group, so that Ctrl-C does not signal it. A worker that gets two
    signals at once may hang.
    """
    with ExitStack() as stack:
        with _uninterrupted():
            server = subprocess.Popen(
                [sys.executable, *arguments], env=os.environ | environment, process_group=0
            )
            stack.callback(server.wait)
            stack.callback(server.terminate)
        yield server


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until the end of the block.

    A signal mask is unsuitable, because a child process inherits it.
    """
    noted: list[int] = []
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, lambda *_: noted.append(1)) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    if noted:
        raise KeyboardInterrupt


def _load_demo(settings: Settings) -> str:
    """Run `flask demo load` if the command exists, and return the accounts for the banner."""
    app = create_app(settings)
    if "demo" not in app.cli.commands:
        return ""
    arguments = ["demo", "load"]
    error = app.test_cli_runner().invoke(args=arguments, standalone_mode=False).exception
    if isinstance(error, click.Abort):
        raise KeyboardInterrupt
    if error:
        raise CannotRunError(f"The demo data can't be loaded. {error}") from error
    return ACCOUNTS


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        # Not urllib: it would use a proxy from the environment.
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/api/health")
            if connection.getresponse().status == 200:
                return
        except (HTTPException, OSError):
            time.sleep(0.1)
        finally:
            connection.close()
    raise CannotRunError("The service did not start; see its log above.")
