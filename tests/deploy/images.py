"""Build the image with `make image`, on a base that needs no registry."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.deploy.engine import FOLDER, ROOT, make, podman

IMAGE = "localhost/flask-api:test"
DOCKERFILE = ROOT / "Dockerfile"
# Settings of pip that a build needs too, except those with local folders.
PIP_SETTINGS = frozenset(
    {"index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout"}
)


def build() -> str:
    """Build the image from the Dockerfile, and return its name."""
    name, _, suite = base()
    if podman("image", "exists", name, check=False).returncode:
        stand_in(name, suite)
    make("image", "ENGINE=buildah", f"IMAGE={IMAGE}", f"IMAGE_FLAGS=--pull=never {secrets()}")
    return IMAGE


def base() -> tuple[str, str, str]:
    """Return the base image of the Dockerfile, and its versions of Python and Debian."""
    found = re.search(r"^ARG BASE=(\S+:([\d.]+)-slim-(\w+))$", DOCKERFILE.read_text(), re.M)
    assert found
    return found[1], found[2], found[3]


def stand_in(name: str, suite: str) -> None:
    """Build an image with the Debian and Python of the base `name`, from Debian's packages."""
    archive = FOLDER / "base.tar"
    hook = Path(__file__).with_name("stand_in_hook.sh")
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", f"--customize-hook={hook}"),
            *("--include=python3,python3-pip-whl,ca-certificates", suite, str(archive)),
        ],
        check=True,
        timeout=900,
    )
    podman("import", archive, name, timeout=300)
    archive.unlink()


def secrets() -> str:
    """Return the build options for the package index and certificates of this machine."""
    config = FOLDER / "pip.conf"
    settings = _pip_settings()
    lines = [f"{name} = {value}" for name, value in settings.items() if name in PIP_SETTINGS]
    options = f"--secret id=pip.conf,src={config}"
    authority = settings.get("cert") or os.environ.get("SSL_CERT_FILE")
    if authority:
        lines.append("cert = /run/secrets/ca.pem")
        options += f" --secret id=ca.pem,src={authority}"
    config.write_text("\n".join(["[global]", *lines, ""]))
    return options


def _pip_settings() -> dict[str, str]:
    """Return pip's settings, from its files and the environment."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    # Later settings override earlier ones; pip lists the environment last.
    found = re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed, re.M)
    return {name: value for name, value in found if "file:" not in value}


def configuration() -> dict:
    """Return the configuration of the image: user, command, labels, health check, …"""
    return json.loads(podman("image", "inspect", IMAGE).stdout)[0]


def health_command() -> list[str]:
    """Return the command of the health check."""
    kind, *command = configuration()["Healthcheck"]["Test"]
    assert kind == "CMD"
    return command
