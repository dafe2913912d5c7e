"""An order in a container of the image."""

import pytest

from tests.deploy.containers import once
from tests.deploy.shop.shopping import PASSWORD, order_twice

pytestmark = pytest.mark.deploy


@pytest.fixture(scope="module")
def demo_rows(migrated) -> None:
    options = ("--allow-production", f"--password={PASSWORD}")
    done = once(migrated, "flask", "demo", "load", *options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_order_is_placed_and_replayed(container, demo_rows):
    first, again = order_twice(container.url)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
