"""The quickstart runs in a shell: register, sign in and place an order."""

import re
import subprocess

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
