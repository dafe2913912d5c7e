"""Copies of the checkout, to be run, changed and interrupted."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from tests.support.servers import ROOT

LISTED = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the project's files, committed or not, until the end of the block.

    Not in pytest's own folder. Any other pytest that starts takes that from everybody but its user,
    so that PostgreSQL, which as root runs as somebody else, loses its files.
    """
    with TemporaryDirectory(prefix="flask-api-", ignore_cleanup_errors=True) as folder:
        to = Path(folder).resolve() / "checkout"
        _copy(to)
        yield to


def _copy(to: Path) -> None:
    names = subprocess.run(LISTED, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name, follow_symlinks=False)


def equipped(checkout: Path) -> Path:
    """Give a copy an environment that is installed already: that of the tests."""
    environment = checkout / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "installed":
            (environment / part.name).symlink_to(part)
    (environment / "installed").touch()
    return checkout


def processes_of(checkout: Path) -> list[psutil.Process]:
    """The processes that work in a copy, or with a file of it."""
    return [process for process in psutil.process_iter() if _works_in(checkout, process)]


def _works_in(checkout: Path, process: psutil.Process) -> bool:
    try:
        places = [process.cwd(), *process.cmdline()]
    except psutil.Error:  # it has ended, or is somebody else's
        return False
    return any(str(checkout) in place for place in places)


def interrupted(process: subprocess.Popen, ready: Callable[[], bool], seconds: float = 60) -> str:
    """Interrupt a process as Ctrl-C does, as soon as `ready()`; what it says on stderr."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None, f"it ended before, with status {process.returncode}"
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=60)[1]


def unprivileged() -> list[str]:
    """What goes before a command that has to respect the permissions of files, even as root."""
    if os.geteuid() != 0:
        return []
    without = "-dac_override,-dac_read_search,-fowner"
    prefix = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]
    if not shutil.which("setpriv") or subprocess.run([*prefix, "true"]).returncode:
        pytest.skip("root can't give up its power over files here: no setpriv that works")
    return prefix
