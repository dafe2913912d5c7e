"""`make run` before the installation: error messages name the cause and the next step."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig

import pytest

from tests.support.checkouts import copied, interrupted, processes_of, unprivileged
from tests.support.servers import BASE, free_port, wait_until_healthy
from tests.support.wheels import write_wheel

pytestmark = pytest.mark.checkout
# This package does not exist.
REQUIREMENTS = f"nothing-there==1.0 --hash=sha256:{'0' * 64}\n"
AGAIN = "Then run `make run` again. Details: .venv/pip.log"


@pytest.fixture(scope="module")
def copy():
    with copied() as copy:
        yield copy


@pytest.fixture
def checkout(copy):
    """Return a copy of the project without .venv, and with one package in the lock."""
    shutil.rmtree(copy / ".venv", ignore_errors=True)
    return locked(copy)


@pytest.fixture
def used_checkout(copy):
    """Return the copy with the .venv of the previous test, because a new .venv takes seconds."""
    return locked(copy)


def locked(copy):
    (copy / "requirements-run.txt").write_text(REQUIREMENTS)
    return copy


@pytest.fixture
def local_index(tmp_path):
    """Return a folder for wheels, and the settings that make it pip's only package index."""
    return tmp_path, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}


@pytest.fixture
def silent_index():
    """Yield the port of an index that never responds, and a function that detects a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1], lambda: bool(select.select([server], [], [], 0)[0])


def make(checkout, index_port, *prefix, python=sys.executable, **environment):
    """Return the arguments of `subprocess` for `make run` in a new session, as in a terminal."""
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


def errors(*args, **options):
    """Return the lines of `make run` on stderr, without make's own last line."""
    done = subprocess.run(**make(*args, **options), stdout=subprocess.PIPE, timeout=120)
    assert done.returncode != 0
    *lines, last = done.stderr.splitlines()
    assert last.startswith("make: ***")
    return lines


class TestMachine:
    def test_older_python(self, checkout, tmp_path):
        old = tmp_path / "python3.10"
        lie = "import sys; sys.version_info = (3, 10, 13);"
        old.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} -c "{lie} $2"\nexit 9\n')
        old.chmod(0o700)

        assert errors(checkout, free_port(), python=old) == [
            "Needs Python 3.11 or newer: make PYTHON=python3.12 run"
        ]

    def test_folder_of_another_user(self, checkout):
        checkout.chmod(0o500)
        try:
            lines = errors(checkout, free_port(), *unprivileged())
        finally:
            checkout.chmod(0o700)

        assert lines == [
            f"Can't write to {checkout}: Permission denied. "
            "Change the owner, or clone the project into your own folder."
        ]

    def test_python_without_venv(self, checkout, tmp_path):
        broken = tmp_path / "python3"
        broken.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
        broken.chmod(0o700)
        (tmp_path / "venv.py").write_text("raise SystemExit('no ensurepip')")

        assert errors(checkout, free_port(), python=broken) == [
            "no ensurepip",
            "`python -m venv` failed, see above. On Debian and Ubuntu, install python3-venv.",
        ]

    def test_newer_python_than_the_wheels(self, used_checkout, tmp_path, local_index):
        new = tmp_path / "python3.14"
        lie = "import runpy, sys; sys.version_info = (3, 14, 0); sys.argv = sys.argv[1:];"
        lie += "runpy.run_path(sys.argv[0], run_name='__main__')"
        new.write_text(
            f'#!/bin/sh\n[ "$1" = tools/install.py ] || exec {sys.executable} "$@"\n'
            f'exec {sys.executable} -c "{lie}" "$@"\n'
        )
        new.chmod(0o700)

        assert errors(used_checkout, free_port(), python=new, **local_index[1])[-1] == (
            "The package index has no nothing-there==1.0 for this Python and platform. "
            "Check the index or the mirror. "
            "Some packages have no wheels for Python 3.14 yet: make PYTHON=python3.13 run"
        )


class TestIndex:
    """pip's own error comes first; the last line names the cause."""

    def test_unreachable(self, used_checkout):
        port = free_port()

        lines = errors(used_checkout, port)

        assert lines[-1] == (
            "The package index is unreachable or denies access: "
            f"http://127.0.0.1:{port}/simple/nothing-there/. "
            f"Check the network, the proxy and pip's index URL. {AGAIN}"
        )
        assert "ERROR: No matching distribution found for nothing-there==1.0" in lines
        assert not (used_checkout / ".venv" / "runnable").exists()

    def test_package_is_missing(self, used_checkout, local_index):
        assert errors(used_checkout, free_port(), **local_index[1])[-1] == (
            "The package index has no nothing-there==1.0 for this Python and platform. "
            f"Check the index or the mirror. {AGAIN}"
        )

    def test_hash_mismatch(self, used_checkout, local_index):
        folder, settings = local_index
        write_wheel(folder, "nothing-there", "1.0")

        assert errors(used_checkout, free_port(), **settings)[-1] == (
            "The hash of nothing-there==1.0 is not the locked one. "
            f"Check the index or the mirror. {AGAIN}"
        )

    def test_any_other_error_of_pip(self, used_checkout):
        (used_checkout / "requirements-run.txt").write_text("-r missing.txt\n")

        assert errors(used_checkout, free_port())[-1] == (
            "pip failed: Could not open requirements file: [Errno 2] No such file or directory: "
            f"'missing.txt'. Fix the error. {AGAIN}"
        )


class TestProgress:
    def test_is_printed_while_packages_are_downloaded_and_unpacked(
        self, used_checkout, local_index
    ):
        folder, settings = local_index
        lock = "".join(write_wheel(folder, f"demo-{n}", "1.0") for n in range(25))
        (used_checkout / "requirements-run.txt").write_text(lock)

        done = subprocess.run(
            [sys.executable, "tools/install.py", "run", "requirements-run.txt"],
            cwd=used_checkout,
            env=BASE | settings | {"PIP_CONFIG_FILE": os.devnull},
            capture_output=True,
            text=True,
            timeout=120,
        )

        assert done.stdout.splitlines() == [
            "Installing 25 packages into .venv; a minute or two.",
            "  10 of 25",
            "  20 of 25",
            "  Unpacking",
            "Installed.",
        ]
        assert done.stderr == ""


class TestInterrupted:
    def test_interrupt_leaves_no_process_and_the_next_run_serves(self, checkout, silent_index):
        index_port, is_connected = silent_index
        process = subprocess.Popen(**make(checkout, index_port))

        errors = interrupted(process, is_connected)

        assert process.returncode != 0
        message = "Interrupted. Run `make run` to start the installation again."
        assert message in errors.splitlines()
        assert processes_of(checkout) == []

        self.serves(checkout)

    def serves(self, checkout):
        """Check that `make run` replaces .venv and serves, with the packages of this test run."""
        (checkout / "requirements-run.txt").write_text("")
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
