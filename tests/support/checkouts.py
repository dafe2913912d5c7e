"""Temporary copies of the checkout, which tests run, change and interrupt."""

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

import httpx
import psutil
import pytest

from tests.support.servers import ROOT, wait_until_healthy

LISTED = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]


@contextmanager
def copied() -> Iterator[Path]:
    """Copy the project's files, committed or not, and delete the copy at the end of the block.

    The copy is not in tmp_path, which only the user of the tests can read. If this user is root,
    PostgreSQL runs as another user.
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
    """Link the virtual environment of the tests into a copy."""
    environment = checkout / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "installed":
            (environment / part.name).symlink_to(part)
    (environment / "installed").touch()
    return checkout


def run(checkout: Path, environment: dict[str, str], command: str, seconds: float = 600) -> str:
    """Run shell commands in a copy, and return their output."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def running(checkout: Path, environment: dict[str, str]) -> Iterator[httpx.Client]:
    """Run `make run` in a copy, and yield a client of the service."""
    process = subprocess.Popen(["make", "run"], cwd=checkout, env=environment, process_group=0)
    url = f"http://127.0.0.1:{environment['PORT']}"
    try:
        wait_until_healthy(url, process, seconds=120)
        with httpx.Client(base_url=url, timeout=30) as client:
            yield client
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def processes_of(checkout: Path) -> list[psutil.Process]:
    """Return the processes that have the path of a copy as working directory or in the command."""
    return [process for process in psutil.process_iter() if _works_in(checkout, process)]


def _works_in(checkout: Path, process: psutil.Process) -> bool:
    try:
        places = [process.cwd(), *process.cmdline()]
    except psutil.Error:  # the process has ended, or belongs to another user
        return False
    return any(str(checkout) in place for place in places)


def interrupted(process: subprocess.Popen, ready: Callable[[], bool], seconds: float = 60) -> str:
    """Send SIGINT to a process group as soon as `ready()`, and return its stderr."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None, f"it ended early, with status {process.returncode}"
        assert time.monotonic() < deadline, "it did not become ready"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=60)[1]


def unprivileged() -> list[str]:
    """Return a command prefix that makes root respect file permissions."""
    if os.geteuid() != 0:
        return []
    without = "-dac_override,-dac_read_search,-fowner"
    prefix = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]
    if not shutil.which("setpriv") or subprocess.run([*prefix, "true"]).returncode:
        pytest.skip("root can't drop its capabilities: setpriv is missing or fails")
    return prefix
