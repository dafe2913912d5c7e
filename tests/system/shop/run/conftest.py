"""Fixture: a copy of the checkout, which `make run` serves."""

import pytest

from tests.support.checkouts import copied


@pytest.fixture(scope="module")
def checkout():
    """Yield a copy of the checkout with its own `.data`; only the owner can read the copy."""
    with copied() as copy:
        copy.chmod(0o700)
        copy.parent.chmod(0o700)
        yield copy
