"""Sources of settings: environment, `.env` and `config.py` in the working directory."""

import os
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values


class SettingsError(click.ClickException):
    """Invalid settings; the message lists all errors.

    A ClickException, so the `flask` command prints the message without a traceback.
    """


def config_file() -> dict[str, Any]:
    """Return the values of `class Config` in `config.py`."""
    if not Path("config.py").is_file():
        return {}
    config = runpy.run_path("config.py").get("Config")
    return {name: getattr(config, name) for name in dir(config) if name.isupper()}


def sources() -> dict[str, Any]:
    """Return the values of all sources, merged by precedence."""
    weak, stronger, strongest = map(_one_url, (config_file(), dotenv_values(".env"), os.environ))
    return {**weak, **stronger, **strongest}


def _one_url(source: Mapping[str, Any]) -> dict[str, Any]:
    """Rename `SQLALCHEMY_DATABASE_URI` to `DATABASE_URL`, unless the source has both."""
    uri = source.get("SQLALCHEMY_DATABASE_URI")
    named = uri and not (source.get("DATABASE_URL") or "").strip()
    return {**source, "DATABASE_URL": uri} if named else dict(source)
