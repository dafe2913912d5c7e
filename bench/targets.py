"""Targets of the benchmark: each is a server with two worker processes and its own database."""

import os
import shlex
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import psycopg2
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import sessionmaker

from app.db.schema_version import alembic_config
from services import demo
from tools.embedded import free_port

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".data" / "bench"
SERVICE = tomllib.loads((ROOT / "bench/target.toml").read_text())["targets"]["flask-api"]
TEMPLATE = "bench_template"
SIZES = demo.Sizes(users=100, products=200, orders=20_000)
PLENTY = 1_000_000_000  # of each product, so that no benchmark runs out of stock
EMAIL, PASSWORD = "user{n}@example.com", "correct-Horse-7-battery"
START_SECONDS, END_SECONDS = 60, 10


@dataclass(frozen=True)
class Target:
    name: str
    title: str
    folder: Path
    command: str


GUNICORN = (
    f"{sys.executable} -m gunicorn -k gthread -w 2 --threads 8 --keep-alive 75 --no-control-socket"
)
UVICORN = f"{ROOT}/.venv-bench/bin/python -m uvicorn --workers 2 --no-access-log"
TARGETS = (
    Target("service", "this service", ROOT, SERVICE["start"]),
    # In another folder: in ROOT, gunicorn would read the service's gunicorn.conf.py.
    Target("floor", "bare WSGI", DATA, GUNICORN + " -b 127.0.0.1:{port} bench.floor:application"),
    Target("fastapi", "FastAPI", DATA, UVICORN + " --port {port} bench.fastapi_peer:app"),
    Target("litestar", "Litestar", DATA, UVICORN + " --port {port} bench.litestar_peer:app"),
)


@dataclass(frozen=True)
class Server:
    port: int
    process: psutil.Popen

    def tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Return the CPU time that the processes have used."""
        times = [process.cpu_times() for process in self.tree()]
        return sum(each.user + each.system for each in times)


def environment(url: URL) -> dict[str, str]:
    """Return the environment of a target, without the settings of the caller's shell."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**inherited, "PYTHONPATH": str(ROOT), **SERVICE["env"], "DATABASE_URL": plain(url)}


def plain(url: URL) -> str:
    """Return the URL for libpq, without the name of a driver."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def new_database(server: URL, name: str, template: str = "template1") -> URL:
    """Create a database from a template, after dropping one with the same name."""
    administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.set(database=name)


def administer(url: URL, statement: str) -> None:
    connection = psycopg2.connect(plain(url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def fill(url: URL, sizes: demo.Sizes = SIZES) -> None:
    """Migrate a database, and load the demo rows."""
    config = alembic_config()
    config.attributes["url"] = url.render_as_string(hide_password=False)
    command.upgrade(config, "head")
    engine = create_engine(url)
    with sessionmaker(engine).begin() as session:
        demo.load(session, sizes, EMAIL, PASSWORD, accounts=False, stock=PLENTY)
        session.execute(text(SERVICE["after_seed"]))
    engine.dispose()
    # Otherwise autovacuum would run during a measurement.
    administer(url, "VACUUM ANALYZE")


@contextmanager
def served(target: Target, url: URL) -> Iterator[Server]:
    """Run the server of a target until the end of the block; its output goes to a log file."""
    port = free_port()
    with (DATA / f"{target.name}.log").open("wb") as log:
        # In its own process group, the server gets no signal from Ctrl-C; `end` stops it.
        process = psutil.Popen(
            shlex.split(target.command.format(port=port)),
            cwd=target.folder,
            env=environment(url),
            stdout=log,
            stderr=log,
            process_group=0,
        )
    server = Server(port, process)
    try:
        wait_until_healthy(target, server)
        yield server
    finally:
        end(server)


def wait_until_healthy(target: Target, server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.process.poll() is None and time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=1)
        try:
            connection.request("GET", "/api/health")
            if connection.getresponse().status == 200:
                return
        except (HTTPException, OSError):
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"{target.title} did not start; {DATA}/{target.name}.log says why")


def end(server: Server) -> None:
    """Terminate the processes, and kill those that do not end in time."""
    if server.process.poll() is not None:
        return
    tree = server.tree()
    server.process.terminate()
    for running in psutil.wait_procs(tree, timeout=END_SECONDS)[1]:
        running.kill()
    server.process.wait()
