"""The files that settings may come from: `.env` and `config.py` of the working directory."""

import runpy
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
