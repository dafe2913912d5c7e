"""`make run`: the whole service on this machine, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from alembic import command

from app import create_app
from app.schema_version import alembic_config
from app.settings import SAMPLE_SECRET, Settings, SettingsError, sources
from services.demo import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD

DATA = Path(".data")
START_SECONDS = 60

BANNER = f"""
  The service is ready. Ctrl-C ends it.

    Swagger UI    {{url}}/api/docs
    ReDoc         {{url}}/api/redoc
    OpenAPI       {{url}}/api/openapi.json

    user          {USER} / {USER_PASSWORD}
    administrator {ADMIN} / {ADMIN_PASSWORD}
"""


def main() -> int:
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    try:
        with ExitStack() as stack:
            return _serve(_environment(stack))
    except KeyboardInterrupt:
        return 0
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1


def _environment(stack: ExitStack) -> dict[str, str]:
    """The environment to serve with: what is set wins, and a PostgreSQL is started if none is."""
    given = {name: str(value) for name, value in sources().items()}
    environment = {"FLASK_ENV": "development", "SECRET_KEY": SAMPLE_SECRET} | given
    if not (given.get("DATABASE_URL") or given.get("SQLALCHEMY_DATABASE_URI")):
        from tools.embedded import postgres

        environment["DATABASE_URL"] = stack.enter_context(postgres(DATA / "postgres"))
    return environment


def _serve(environment: dict[str, str]) -> int:
    settings = Settings.load(environment)
    config = alembic_config()
    config.attributes["url"] = settings.database_url
    command.upgrade(config, "head")
    if not settings.production:
        create_app(settings).test_cli_runner().invoke(args=["demo", "load"], catch_exceptions=False)
    port = environment.get("PORT", "5000")
    # Without Redis each process counts requests alone, so one process keeps the limits exact.
    workers = "2" if settings.redis_url else "1"
    gunicorn = ["gunicorn", "-w", workers, "-b", f"127.0.0.1:{port}", "app:create_app()"]
    server = subprocess.Popen([sys.executable, "-m", *gunicorn], env=environment)
    try:
        _wait_until_healthy(server, f"http://127.0.0.1:{port}/api/health")
        print(BANNER.format(url=f"http://localhost:{port}"), flush=True)
        return server.wait()
    finally:
        # A second Ctrl-C must not leave anything behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.terminate()
        server.wait()


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=1):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise SettingsError(f"The service did not answer at {url}; its log above says why.")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    sys.exit(main())
