"""PgBouncer in transaction mode, as in docs/operators/scaling.md."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
from sqlalchemy import URL, create_engine, text
from sqlalchemy.engine import make_url

from tools.embedded import free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
# PgBouncer connects with this role. The role has the settings that the service otherwise sends.
ROLE = """
    CREATE ROLE {role} SUPERUSER LOGIN;
    ALTER ROLE {role} SET timezone = 'UTC';
    ALTER ROLE {role} SET statement_timeout = '5s';
    ALTER ROLE {role} SET lock_timeout = '2s';
    ALTER ROLE {role} SET idle_in_transaction_session_timeout = '10s';
    ALTER ROLE {role} SET max_parallel_workers_per_gather = 0"""
CONFIG = """
[databases]
* = host={host} port={server_port} user={role}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
server_idle_timeout = 3
server_login_retry = 1
query_wait_timeout = 5
log_connections = 0
log_disconnections = 0
{user}
"""
# User name in URLs that connect through PgBouncer, which accepts any user.
USER = "pooler"


def pooled(url: str) -> bool:
    return make_url(url).username == USER


@contextmanager
def pgbouncer(server: URL) -> Iterator[URL]:
    """Run PgBouncer in front of a server with a Unix socket, and yield its URL."""
    assert PROGRAM, "pgbouncer is not on the PATH: apt-get install pgbouncer"
    port = free_port()
    with role(server) as name, TemporaryDirectory() as folder:
        config = Path(folder) / "pgbouncer.ini"
        config.write_text(
            CONFIG.format(
                host=server.query["host"],
                server_port=server.port or 5432,
                role=name,
                port=port,
                # Only the owner of the socket may open it, and PgBouncer refuses to run as root.
                user=f"user = {Path(server.query['host']).owner()}" if os.geteuid() == 0 else "",
            )
        )
        config.chmod(0o644)
        Path(folder).chmod(0o755)
        with (Path(folder) / "log").open("w") as log:
            process = subprocess.Popen([PROGRAM, "-q", config], stdout=log, stderr=log)
            try:
                wait_until_ready(port, process, server.database)
                yield server.set(username=USER, host="127.0.0.1", port=port, query={})
            finally:
                process.terminate()
                process.wait(10)


@contextmanager
def role(server: URL) -> Iterator[str]:
    name = f"pooled_{secrets.token_hex(4)}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(ROLE.format(role=name)))
    yield name
    with engine.begin() as connection:
        connection.execute(text(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP ROLE {name}"))
    engine.dispose()


def wait_until_ready(port: int, process: subprocess.Popen, database: str) -> None:
    for _ in range(100):
        assert process.poll() is None, f"pgbouncer ended with status {process.returncode}"
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user=USER, dbname=database).close()
            return
        except psycopg2.OperationalError:
            time.sleep(0.05)
    raise AssertionError("pgbouncer does not accept connections")
