"""Run the pinned generators; skip a test if one of its programs is not installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.servers import BASE, ROOT

HERE = Path(__file__).parent
CALLS = HERE / "calls"
DOCUMENT = ROOT / "docs" / "openapi.json"
NODE_MODULES = HERE / "node_modules"
PYTHON = ROOT / ".venv-generators" / "bin"


def run(folder: Path, *command: object, **environment: str) -> str:
    """Run a program in a folder, check that it succeeds, and return its standard output."""
    path = f"{PYTHON}:{NODE_MODULES / '.bin'}:{BASE['PATH']}"
    env = BASE | {"PATH": path} | environment
    program = shutil.which(str(command[0]), path=path)
    if program is None:
        pytest.skip(f"{command[0]} is not installed: make test-generators")
    arguments = [program, *map(str, command[1:])]
    done = subprocess.run(
        arguments, cwd=folder, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def openapi_generator(folder: Path, language: str, *options: str) -> None:
    if shutil.which("java") is None:
        pytest.skip("java is not installed; Debian has it in `openjdk-17-jdk-headless`")
    arguments = ["generate", "-i", DOCUMENT, "-g", language, "-o", folder]
    run(folder, "openapi-generator-cli", *arguments, *options)
