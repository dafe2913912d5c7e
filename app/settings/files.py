"""Sources of settings: environment, and `.env` and `config.py` of the working directory."""

import runpy
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream


class UnreadableFileError(Exception):
    """A file that is there can't be read; the text says why."""


def dotenv() -> dict[str, str | None]:
    """What `.env` sets.

    Raises:
        UnreadableFileError: the library would go on without what it did not understand.
    """
    try:
        text = Path(".env").read_text("utf-8")
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except (UnicodeDecodeError, OSError) as error:
        raise UnreadableFileError(f".env can't be read: {error}") from error
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            line = binding.original.line
            raise UnreadableFileError(f".env can't be read: line {line} is not NAME=value.")
    return dotenv_values(stream=StringIO(text))


def config_file() -> dict[str, Any]:
    """What `class Config` of `config.py` sets.

    Raises:
        UnreadableFileError: it raises, whatever it is.
    """
    if not Path("config.py").is_file():
        return {}
    try:
        config = runpy.run_path("config.py").get("Config")
    except Exception as error:
        raise UnreadableFileError(
            f"config.py can't be read: {type(error).__name__}: {error}"
        ) from error
    return {name: getattr(config, name) for name in dir(config) if name.isupper()}


def read_sources(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return all that is set, the stronger source over the weaker.

    Raises:
        UnreadableFileError: a file can't be read.
    """
    sources = (config_file(), dotenv(), environment)
    weak, stronger, strongest = (_one_url(stripped(source)) for source in sources)
    return {**weak, **stronger, **strongest}


def stripped(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without the space around them, such as the newline of a mounted file."""
    return {
        name: value.strip() if isinstance(value, str) else value for name, value in source.items()
    }


def _one_url(source: Mapping[str, Any]) -> dict[str, Any]:
    """`SQLALCHEMY_DATABASE_URI` by our name for it; of both in one source, ours wins."""
    uri = source.get("SQLALCHEMY_DATABASE_URI")
    named = uri and not source.get("DATABASE_URL")
    return {**source, "DATABASE_URL": uri} if named else dict(source)
