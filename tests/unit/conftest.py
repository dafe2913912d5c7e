"""Fixtures for tests without HTTP."""

import pytest


@pytest.fixture
def flask(app, session):
    """Run a `flask` command, and return its result."""

    def run(*args, **kwargs):
        result = app.test_cli_runner().invoke(args=args, catch_exceptions=False, **kwargs)
        session.rollback()
        return result

    return run
