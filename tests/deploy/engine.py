"""buildah and podman, with their own store and configuration in `.data/`."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / ".data" / "containers"
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
LIMIT = 20_000

STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/root"
runroot = "{folder}/run"
"""
# Works without systemd and without the capability to raise limits.
CONTAINERS = """\
[containers]
default_ulimits = [{limits}]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""


def why_not() -> str:
    """Return why containers cannot be built and run here, or an empty string."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "a container of these tests needs root"


def podman(*args: str | Path, timeout: float = 120, check: bool = True):
    return _run(["podman", *map(str, args)], timeout, check)


def make(*args: str, timeout: float = 900):
    """Run a target of the Makefile with the store of the tests."""
    return _run(["make", *args], timeout, check=True)


def environment() -> dict[str, str]:
    """Return the environment of buildah and podman, and write their configuration files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = {
        "CONTAINERS_STORAGE_CONF": ("storage.conf", STORAGE.format(folder=FOLDER)),
        "CONTAINERS_CONF": ("containers.conf", CONTAINERS.format(limits=", ".join(_limits()))),
    }
    for name, content in files.values():
        _replace(FOLDER / name, content)
    return {
        **os.environ,
        **{variable: str(FOLDER / name) for variable, (name, _) in files.items()},
        "BUILDAH_ISOLATION": "chroot",
        "BUILDAH_LAYERS": "true",
    }


def _replace(file: Path, content: str) -> None:
    """Write a file by a rename: podman of another process may read it at the same time."""
    own = file.with_name(f"{file.name}.{os.getpid()}")
    own.write_text(content)
    own.rename(file)


def _limits() -> Iterable[str]:
    for name, number in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(number)[1]
        limit = LIMIT if hard == resource.RLIM_INFINITY else min(hard, LIMIT)
        yield f'"{name}={limit}:{limit}"'


def _run(command: list[str], timeout: float, check: bool):
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=timeout
    )
    if check:
        assert done.returncode == 0, f"{command}\n{done.stdout[-5000:]}{done.stderr[-5000:]}"
    return done
