"""`.flaskenv`: the settings of a running `make run`, for `flask` commands."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dotenv import set_key

FILE = Path(".flaskenv")
NOTE = "# Written by `make run`, which deletes this file when it ends.\n"


@contextmanager
def flaskenv(settings: Mapping[str, str]) -> Iterator[None]:
    """Write settings to `.flaskenv` until the end of the block, unless a user wrote that file.

    Flask reads the file. The environment and `.env` take precedence over it.
    """
    if FILE.exists() and not FILE.read_text().startswith(NOTE):
        yield
        return
    try:
        FILE.write_text(NOTE)
        for name, value in settings.items():
            set_key(FILE, name, value)
        yield
    finally:
        FILE.unlink(missing_ok=True)
