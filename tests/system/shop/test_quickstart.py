"""The quickstart in three languages: it registers, signs in and places an order."""

import re
import shutil
import subprocess
import sys

import httpx
import pytest

from tests.support.markdown import blocks
from tests.support.servers import BASE, ROOT


@pytest.fixture(scope="module")
def script():
    (block,) = blocks((ROOT / "docs" / "consumers" / "quickstart.md").read_text())
    return block.text


def test_quickstart_runs_from_top_to_bottom_and_places_an_order(server, script):
    shown = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        env={**BASE, "API": f"{server.url}/api"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout

    assert '"name":"Jane"' in shown
    assert "HTTP/1.1 201 " in shown
    assert re.search('"status": ?"pending"', shown)


@pytest.mark.parametrize(
    ("language", "command"),
    [
        ("bash", ["bash", "-e", "-o", "pipefail", "-c"]),
        ("python", [sys.executable, "-c"]),
        ("typescript", ["node", "--input-type=module", "--eval"]),
    ],
)
def test_script_of_the_served_guide_orders_from_the_server_that_serves_it(
    server, language, command
):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    guide = httpx.get(f"{server.url}/api/docs/guides/quickstart.md").text
    (code,) = [block.text for block in blocks(guide) if block.language == language]

    done = subprocess.run([*command, code], env=BASE, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert re.search("order_[0-9a-z]{26}", done.stdout)
