"""Fixture: a new email address and a password."""

import secrets

import pytest

PASSWORD = "a long enough password for one test"


@pytest.fixture
def account():
    """Return an email address without an account, and a password."""
    return f"{secrets.token_hex(8)}@example.com", PASSWORD
