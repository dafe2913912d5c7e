"""Run the service of a copy of the checkout as `make run` does, but without make."""

import signal
import subprocess
import sys
from contextlib import contextmanager

from tests.support.checkouts import processes_of
from tests.support.servers import BASE, free_port


def command(checkout, port, *options, **environment):
    """Return the arguments of `subprocess` for a run in a new session, like in a terminal."""
    return {
        "args": [sys.executable, "-m", "tools.run", *options],
        "cwd": checkout,
        "env": BASE | {"PORT": str(port)} | environment,
        "text": True,
        "start_new_session": True,
    }


@contextmanager
def running(checkout, interrupt, *options):
    """Run the service; interrupt it after the block, and check that all processes end."""
    port = free_port()
    process = subprocess.Popen(**command(checkout, port, *options), stdout=subprocess.PIPE)
    try:
        yield port, banner(process)
        assert processes_of(checkout)
        interrupt(process.pid, signal.SIGINT)
        last = process.communicate(timeout=30)[0].splitlines()[-1]
        assert last == "Stopped. The data is kept for the next `make run`."
        assert process.returncode == 0
        assert processes_of(checkout) == []
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def error_of(checkout, port, prefix=(), **environment):
    """Return the error message of a run that cannot start."""
    how = command(checkout, port, **environment)
    how["args"] = [*prefix, *how["args"]]
    done = subprocess.run(**how, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def banner(process):
    lines = []
    while not lines or "administrator" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], "the banner has no end"
    return "".join(lines)
