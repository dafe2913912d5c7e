"""Sources of settings: environment, `.env` and `config.py` in the working directory."""

import os
import runpy
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values
from dotenv.parser import parse_stream


class SettingsError(click.ClickException):
    """Invalid settings, or a file that cannot be read.

    The `flask` command prints a ClickException without a traceback.
    """


def dotenv() -> dict[str, str | None]:
    """Return the values in `.env`.

    Raises:
        SettingsError: the file cannot be read, or a line is invalid (python-dotenv would skip it).
    """
    try:
        text = Path(".env").read_text("utf-8")
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f".env cannot be read: {error}") from error
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            line = binding.original.line
            raise SettingsError(f".env cannot be read: line {line} is not NAME=value.")
    return dotenv_values(stream=StringIO(text))


def config_file() -> dict[str, Any]:
    """Return the values of `class Config` in `config.py`.

    Raises:
        SettingsError: `config.py` raises an exception.
    """
    if not Path("config.py").is_file():
        return {}
    try:
        config = runpy.run_path("config.py").get("Config")
    except Exception as error:
        raise SettingsError(f"config.py cannot be read: {type(error).__name__}: {error}") from error
    return {name: getattr(config, name) for name in dir(config) if name.isupper()}


def sources() -> dict[str, Any]:
    """Return the values of all sources, merged by precedence.

    Raises:
        SettingsError: a file cannot be read.
    """
    ordered = (config_file(), dotenv(), os.environ)
    weak, stronger, strongest = (_one_url(stripped(source)) for source in ordered)
    return {**weak, **stronger, **strongest}


def stripped(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without surrounding spaces: a mounted file can end with a newline."""
    return {
        name: value.strip() if isinstance(value, str) else value for name, value in source.items()
    }


def _one_url(source: Mapping[str, Any]) -> dict[str, Any]:
    """Rename `SQLALCHEMY_DATABASE_URI` to `DATABASE_URL`, unless the source has both."""
    uri = source.get("SQLALCHEMY_DATABASE_URI")
    named = uri and not source.get("DATABASE_URL")
    return {**source, "DATABASE_URL": uri} if named else dict(source)
