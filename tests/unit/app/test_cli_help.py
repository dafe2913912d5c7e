"""Help of the `flask` commands without settings."""

import re
import subprocess
import sys

import pytest

from app import cli
from tests.support.servers import BASE, ROOT


def flask(*args):
    return subprocess.run(
        [sys.executable, "-m", "flask", *args],
        cwd=ROOT,
        env={**BASE, "LOG_LEVEL": "LOUD"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("args", [[], ["--help"]])
def test_help_works_without_settings(args):
    done = flask(*args)

    told = done.stdout + done.stderr
    assert "Traceback" not in told
    assert "LOG_LEVEL" not in told
    for command in ("openapi", "prune", "routes", "run", "users"):
        assert re.search(rf"^  {command} +[A-Z]", told, re.MULTILINE), command


def test_help_of_a_command_works_without_settings():
    done = flask("users", "create-admin", "--help")

    assert done.returncode == 0
    assert "Create an administrator." in done.stdout


def test_help_lists_the_same_commands_as_with_settings(app):
    assert cli.commands_only().cli.commands.keys() == app.cli.commands.keys()


def test_commands_require_settings():
    done = flask("prune")

    assert done.returncode != 0
    assert done.stderr.startswith("Error: Invalid settings:\n")
    assert "  LOG_LEVEL: " in done.stderr
