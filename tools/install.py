"""`make` installs the locked packages into .venv; this runs where nothing is installed yet.

What goes wrong on a machine that we don't know is told in a line that says what to do next.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENVIRONMENT = Path(".venv")
# There while it installs: what is found with it was interrupted, and can't be trusted.
UNFINISHED = ENVIRONMENT / "unfinished"
NOT_INSTALLED = "It can't be installed, see above. Is the package index within reach?"
# The last Python that the embedded servers have wheels for.
NEWEST = (3, 13)
TOO_NEW = "Not everything comes for a Python this new; make PYTHON=python3.13 {} takes another one."
NOT_YOURS = "Make the folder yours, or clone the project where you may write."
# The lock is complete. With --no-deps pip resolves nothing, so a newer release on the index can't
# make it fail: pip before 23.3 looks for the newest `coverage[toml]` where the lock has `coverage`.
LOCKED = ["--no-deps", "--require-hashes", "-r"]
PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]


def main(goal: str) -> int:
    """Install, for the target `goal` of make."""
    for name in SIGNALS:
        signal.signal(name, _interrupt)
    print("Installing into .venv, this once; it takes a minute or two.", flush=True)
    try:
        _install()
    except KeyboardInterrupt:
        return _told(f"Interrupted; `make {goal}` begins the installation again.", 130)
    except subprocess.CalledProcessError:
        if sys.version_info[:2] > NEWEST:
            return _told(TOO_NEW.format(goal), 1)
        return _told(f"{NOT_INSTALLED} `make {goal}` tries again.", 1)
    except OSError as error:
        return _told(f"Can't write to {Path.cwd()}: {error.strerror}. {NOT_YOURS}", 1)
    return 0


def _install() -> None:
    if UNFINISHED.exists():
        _remove(ENVIRONMENT)
    ENVIRONMENT.mkdir(exist_ok=True)
    UNFINISHED.touch()
    try:
        _run(sys.executable, "-m", "venv", str(ENVIRONMENT))
        _run(".venv/bin/python", *PIP, *LOCKED, "requirements-dev.txt")
    except subprocess.CalledProcessError:
        UNFINISHED.unlink()  # pip undoes what it can't finish
        raise
    UNFINISHED.unlink()


def _remove(environment: Path) -> None:
    if environment.is_symlink():
        environment.unlink()
    else:
        shutil.rmtree(environment)


def _run(*command: str) -> None:
    """Run a command; when this is interrupted, nothing that it started goes on."""
    process = subprocess.Popen(command, process_group=0)
    try:
        status = process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if status:
        raise subprocess.CalledProcessError(status, command)


def _told(problem: str, status: int) -> int:
    print(problem, file=sys.stderr)
    return status


def _interrupt(*_: Any) -> None:
    for name in SIGNALS:  # once is enough; a second one would interrupt the clearing up
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
