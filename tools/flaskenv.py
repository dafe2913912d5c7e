"""The file `.flaskenv`, where `flask` commands find the settings of a running `make run`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dotenv import set_key

FILE = Path(".flaskenv")
NOTE = "# Written by `make run`, which deletes this file when it ends.\n"


@contextmanager
def flaskenv(settings: Mapping[str, str]) -> Iterator[None]:
    """Keep settings in `.flaskenv` until the end of the block; do nothing to a file of others.

    Flask reads the file by itself. The environment and `.env` win over it.
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
