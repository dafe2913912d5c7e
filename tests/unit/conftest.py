"""Fixtures for tests without HTTP."""

import dataclasses

import pytest


@pytest.fixture
def production(app, monkeypatch):
    """Give the application production settings."""
    settings = dataclasses.replace(app.extensions["settings"], flask_env="production")
    monkeypatch.setitem(app.extensions, "settings", settings)


@pytest.fixture
def flask(app, session):
    """Return a function that runs a `flask` command, and returns its result."""

    def run(*args, **kwargs):
        result = app.test_cli_runner().invoke(args=args, catch_exceptions=False, **kwargs)
        session.rollback()
        return result

    return run
