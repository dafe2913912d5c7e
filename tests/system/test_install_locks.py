"""Lock that `make` installs: `make run` needs fewer packages than `make test`."""

import re
import shutil
import subprocess

import pytest

from tests.support.checkouts import copied
from tests.support.servers import BASE

pytestmark = pytest.mark.checkout


@pytest.fixture(scope="module")
def copy():
    with copied() as copy:
        yield copy


@pytest.fixture
def checkout(copy):
    """Return a copy of the project without .venv."""
    shutil.rmtree(copy / ".venv", ignore_errors=True)
    return copy


def locks(checkout, target):
    """Return the locks that `make` would install for a target."""
    done = subprocess.run(
        ["make", "-n", target], cwd=checkout, env=BASE, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return re.findall(r"tools/install.py \w+ (.+)$", done.stdout, re.MULTILINE)


def install(checkout, stamp):
    """Create the stamp file of an installation."""
    (checkout / ".venv").mkdir(exist_ok=True)
    (checkout / ".venv" / stamp).touch()


@pytest.mark.parametrize("target", ["run", "dev"])
def test_run_installs_the_small_lock(checkout, target):
    assert locks(checkout, target) == ["requirements-run.txt"]
    install(checkout, "runnable")
    assert locks(checkout, target) == []


def test_test_installs_the_large_lock_also_after_run(checkout):
    assert locks(checkout, "test") == ["requirements-dev.txt"]
    install(checkout, "runnable")
    assert locks(checkout, "test") == ["requirements-dev.txt"]


def test_run_installs_nothing_after_test(checkout):
    install(checkout, "installed")

    assert locks(checkout, "run") == []
