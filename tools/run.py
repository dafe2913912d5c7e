"""`make run`: the whole service on this machine, until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.schema_version import alembic_config
from app.settings import SAMPLE_SECRET, Settings, SettingsError, sources
from services.demo import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD

DATA = Path(".data")
START_SECONDS = 60

BANNER = """
  The service is ready. Ctrl-C ends it.

    Swagger UI    {url}/api/docs
    ReDoc         {url}/api/redoc
    OpenAPI       {url}/api/openapi.json
"""
ACCOUNTS = f"""
    user          {USER} / {USER_PASSWORD}
    administrator {ADMIN} / {ADMIN_PASSWORD}
"""


class CannotRunError(Exception):
    """The text says why."""


def main() -> int:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    try:
        given = sources()
        port = _free_port(str(given.get("PORT") or "5000"))
        with ExitStack() as stack:
            return _serve(given, _defaults(given, stack), port)
    except KeyboardInterrupt:
        return 0
    except DBAPIError as error:
        print(f"PostgreSQL: {' '.join(str(error.orig).split())}", file=sys.stderr)
    except (SettingsError, CannotRunError) as error:
        print(error, file=sys.stderr)
    return 1


def _free_port(value: str) -> int:
    """The port, looked at before anything is started."""
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65_536):
        raise CannotRunError(f"PORT is {value!r}; it must be a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(value)))
        except OSError as error:
            raise CannotRunError(
                f"Can't listen on port {value}: {error.strerror}. `make run PORT=5001` takes "
                "another one."
            ) from error
    return int(value)


def _defaults(given: dict[str, Any], stack: ExitStack) -> dict[str, str]:
    """What is not set, and is needed to serve; a PostgreSQL is started if none is given."""
    defaults = {"FLASK_ENV": "development", "SECRET_KEY": SAMPLE_SECRET}
    if not (given.get("DATABASE_URL") or given.get("SQLALCHEMY_DATABASE_URI")):
        from tools.embedded import postgres

        defaults["DATABASE_URL"] = stack.enter_context(postgres(DATA / "postgres"))
    return {name: value for name, value in defaults.items() if not given.get(name)}


def _serve(given: dict[str, Any], defaults: dict[str, str], port: int) -> int:
    settings = Settings.load(given | defaults)
    config = alembic_config()
    config.attributes["url"] = settings.database_url
    command.upgrade(config, "head")
    if not settings.production:
        _load_demo(settings)
    # Without Redis each process counts requests alone, so one process keeps the limits exact.
    workers = "2" if settings.redis_url else "1"
    gunicorn = ["gunicorn", "-w", workers, "-b", f"127.0.0.1:{port}"]
    for name, value in defaults.items():
        gunicorn += ["--env", f"{name}={value}"]
    # A group of its own, out of reach of Ctrl-C: a worker that gets two signals at once may hang.
    server = subprocess.Popen(
        [sys.executable, "-m", *gunicorn, "app:create_app()"], process_group=0
    )
    try:
        _wait_until_healthy(server, port)
        accounts = "" if settings.production else ACCOUNTS
        print(BANNER.format(url=f"http://localhost:{port}") + accounts, flush=True)
        return server.wait()
    finally:
        # A second Ctrl-C must not leave anything behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.terminate()
        server.wait()


def _load_demo(settings: Settings) -> None:
    done = create_app(settings).test_cli_runner().invoke(args=["demo", "load"])
    if done.exception:
        raise CannotRunError(f"The demo data can't be loaded. {done.output}") from done.exception


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        # Not by urllib, which would ask a proxy that is set in the environment.
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/api/health")
            if connection.getresponse().status == 200:
                return
        except (HTTPException, OSError):
            time.sleep(0.1)
        finally:
            connection.close()
    raise CannotRunError("The service did not start; its log above says why.")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    sys.exit(main())
