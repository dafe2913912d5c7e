"""`tools/install.py` with a pip older than 23.3, and a lock older than the package index.

With dependency resolution, such a pip looks for the newest `demo-b[extra]`, although the lock pins
`demo-b`. In hash mode, this search fails as soon as the index has a newer `demo-b`.
"""

import os
import subprocess
import sys

import pytest

from tests.support.checkouts import copied
from tests.support.servers import BASE
from tests.support.wheels import write_wheel

pytestmark = pytest.mark.checkout
# pip 23.0 does not run on Python 3.12 and newer.
OLD_PIP = "23.0" if sys.version_info < (3, 12) else "23.2.1"
DOWNLOAD = ["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--retries=0"]


@pytest.fixture(scope="module")
def old_pip(tmp_path_factory):
    """Return the folder of an old pip, from the package index of the machine."""
    folder = tmp_path_factory.mktemp("old-pip")
    command = [sys.executable, *DOWNLOAD, f"--target={folder}", f"pip=={OLD_PIP}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"pip {OLD_PIP} can't be installed: {done.stderr.strip()}")
    return folder


@pytest.fixture
def index(tmp_path):
    """A folder with the wheels of `demo-a` and of two versions of `demo-b`, for --find-links."""
    folder = tmp_path / "index"
    folder.mkdir()
    write_wheel(folder, "demo-b", "2.0", "Provides-Extra: extra")
    return folder


@pytest.fixture
def checkout(index):
    """A copy of the project whose lock has `demo-b` 1.0 without its extra."""
    lock = write_wheel(index, "demo-a", "1.0", "Requires-Dist: demo-b[extra]>=1")
    lock += write_wheel(index, "demo-b", "1.0", "Provides-Extra: extra")
    with copied() as copy:
        (copy / "requirements-dev.txt").write_text(lock)
        yield copy


@pytest.fixture
def install(checkout, index, old_pip):
    """Run `tools/install.py` with the old pip, which PYTHONPATH puts before that of the venv."""
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    options = {"cwd": checkout, "env": BASE | pip | {"PYTHONPATH": str(old_pip)}, "text": True}

    def run():
        command = [sys.executable, "tools/install.py", "test", "requirements-dev.txt"]
        done = subprocess.run(command, **options, capture_output=True, timeout=120)
        assert f"Using pip {OLD_PIP} " in (checkout / ".venv" / "pip.log").read_text()
        return done

    return run


def installed(checkout):
    return {path.stem for path in checkout.glob(".venv/lib/*/site-packages/demo_*.dist-info")}


def test_installs_the_locked_versions(checkout, install):
    done = install()

    assert done.returncode == 0, done.stderr
    assert installed(checkout) == {"demo_a-1.0", "demo_b-1.0"}


def test_fails_with_dependency_resolution(checkout, install):
    """Without `--no-deps`, the same installation fails."""
    script = checkout / "tools" / "install.py"
    text = script.read_text()
    assert text.count('"--no-deps", ') == 1
    script.write_text(text.replace('"--no-deps", ', ""))

    done = install()

    assert done.returncode == 1
    assert "In --require-hashes mode, all requirements must have their versions pinned" in (
        done.stderr
    )
    assert installed(checkout) == set()
