"""The tour of the README runs in a shell and prints the documented results."""

import json
import re
import subprocess

import pytest

from services.demo_accounts import USER, USER_PASSWORD
from tests.support.markdown import blocks, section
from tests.support.servers import BASE, ROOT


@pytest.fixture(scope="module")
def tour():
    (block,) = blocks(section((ROOT / "README.md").read_text(), "A tour"))
    return block.text


def orders(client):
    return {order["id"] for order in client.get("/api/orders?limit=100").json()["items"]}


def test_tour_runs_from_top_to_bottom(server, tour):
    with server.signed_in(USER, USER_PASSWORD) as client:
        before = orders(client)
        shown = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", tour],
            env={**BASE, "API": f"{server.url}/api"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

        # Two requests with one key place one order.
        (made,) = orders(client) - before
    assert re.findall(r"^Location: /api/orders/(\S+)", shown, re.MULTILINE) == [made, made]
    assert shown.count("Idempotency-Replayed: true") == 1
    assert json.loads(re.search(r'\{"items":\[\{"id".*\}', shown)[0])["items"][0]["id"] == made
    # Each response body is on its own line.
    assert len(re.findall(r"^\{.*\}$", shown, re.MULTILINE)) == 4
    assert "HTTP/1.1 304 " in shown
    assert '"name":"Jane Doe"' in shown
