"""`make run` on a machine that we don't know: an installation that fails says what to do next."""

import os
import select
import signal
import socket
import subprocess
import sys
import sysconfig

import pytest

from tests.support.checkouts import copied, interrupted, processes_of, unprivileged
from tests.support.servers import BASE, free_port, wait_until_healthy

pytestmark = pytest.mark.checkout
# One that no index has.
REQUIREMENTS = f"flask-api-nothing==1.0 --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def checkout():
    """A copy of the project that has no environment yet, and one package to install."""
    with copied() as copy:
        (copy / "requirements-dev.txt").write_text(REQUIREMENTS)
        yield copy


@pytest.fixture
def silent_index():
    """A package index that takes a connection and never answers; whether it has one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1], lambda: bool(select.select([server], [], [], 0)[0])


def make(checkout, index_port, *prefix, python=sys.executable, **environment):
    """What `subprocess` needs for `make run`, in a session of its own, as if in a terminal."""
    pip = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"http://127.0.0.1:{index_port}/simple",
        "PIP_RETRIES": "0",
    }
    return {
        "args": [*prefix, "make", "run", f"PYTHON={python}"],
        "cwd": checkout,
        "env": BASE | pip | environment,
        "text": True,
        "start_new_session": True,
        "stderr": subprocess.PIPE,
    }


def refused(*args, **options):
    """What `make run` says, but for make's own last word."""
    done = subprocess.run(**make(*args, **options), timeout=120)
    assert done.returncode != 0
    *told, last = done.stderr.splitlines()
    assert last.startswith("make: ***")
    return told


class TestRefused:
    def test_older_python_is_told_in_a_line(self, checkout, tmp_path):
        old = tmp_path / "python3.10"
        lie = "import sys; sys.version_info = (3, 10, 13);"
        old.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} -c "{lie} $2"\nexit 9\n')
        old.chmod(0o700)

        assert refused(checkout, free_port(), python=old) == [
            "Python 3.11 or newer is needed; make PYTHON=python3.12 run takes another one."
        ]

    def test_folder_that_is_not_ones_own_is_told_in_a_line(self, checkout):
        checkout.chmod(0o500)
        try:
            told = refused(checkout, free_port(), *unprivileged())
        finally:
            checkout.chmod(0o700)

        assert len(told) == 1
        assert told[0].startswith(f"Can't write to {checkout}: Permission denied. Make the folder")

    def test_index_that_is_away_is_told_in_the_last_line(self, checkout):
        told = refused(checkout, free_port())

        assert told[-1] == (
            "It can't be installed, see above. Is the package index within reach? "
            "`make run` tries again."
        )
        assert not (checkout / ".venv" / "installed").exists()

    def test_python_that_is_too_new_for_a_package_is_told_in_the_last_line(
        self, checkout, tmp_path
    ):
        new = tmp_path / "python3.14"
        lie = "import runpy, sys; sys.version_info = (3, 14, 0); sys.argv = sys.argv[1:];"
        lie += "runpy.run_path(sys.argv[0], run_name='__main__')"
        new.write_text(
            f'#!/bin/sh\n[ "$1" = tools/install.py ] || exec {sys.executable} "$@"\n'
            f'exec {sys.executable} -c "{lie}" "$@"\n'
        )
        new.chmod(0o700)

        assert refused(checkout, free_port(), python=new)[-1] == (
            "Not everything comes for a Python this new; make PYTHON=python3.13 run takes another "
            "one."
        )


class TestInterrupted:
    def test_it_is_told_and_leaves_nothing_and_the_next_one_serves(self, checkout, silent_index):
        index_port, is_asked = silent_index
        process = subprocess.Popen(**make(checkout, index_port))

        told = interrupted(process, is_asked)

        assert process.returncode != 0
        assert "Interrupted; `make run` begins the installation again." in told.splitlines()
        assert processes_of(checkout) == []

        self.serves(checkout)

    def serves(self, checkout):
        """There is nothing to install now; the packages are those of whoever runs the tests."""
        (checkout / "requirements-dev.txt").write_text("")
        (checkout / ".venv" / "lib").rename(checkout / ".venv" / "broken")
        packages, port = sysconfig.get_path("purelib"), free_port()
        environment = {"PYTHONPATH": packages, "PORT": str(port)}
        process = subprocess.Popen(**make(checkout, free_port(), **environment) | {"stderr": None})
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", process, seconds=120)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
        assert not (checkout / ".venv" / "broken").exists()
        assert processes_of(checkout) == []
