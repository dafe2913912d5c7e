"""The TypeScript client, against the running service; its tests are in clients/typescript/tests."""

import json
import shutil
import subprocess

import pytest

from tests.support.servers import BASE, ROOT

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed"),
]
CLIENT = ROOT / "clients" / "typescript"


def node(*arguments, **environment):
    return subprocess.run(
        ["node", *arguments],
        cwd=CLIENT,
        env=BASE | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_tests_of_the_client_pass_and_a_retried_order_is_placed_once(shop, losing_url, busy_url):
    email = shop.account()

    done = node(
        "--test",
        "dist/tests/",
        API_URL=shop.server.url,
        LOSING_URL=losing_url,
        BUSY_URL=busy_url,
        EMAIL=email,
        VERIFIED_EMAIL=shop.verified_account(),
        EXPIRED_TOKENS=json.dumps(shop.expired_tokens(email)),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    assert "# pass 0" not in done.stdout
    assert shop.orders(email) == 1


def test_example_of_the_page_works(shop):
    done = node("dist/example.js", shop.server.url)

    assert done.returncode == 0, done.stderr
    order, *listed = done.stdout.splitlines()
    assert order.endswith(": 2500 USD")
    assert order.split(":")[0] in listed[0]


def test_its_lock_file_names_no_index_host():
    packages = json.loads((CLIENT / "package-lock.json").read_text())["packages"]

    assert len(packages) > 1
    for name, package in packages.items():
        assert "resolved" not in package
        assert ("integrity" in package) == (name != "")
