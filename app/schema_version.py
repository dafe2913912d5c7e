"""Which migration the code needs, and which one the database has."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from models.base import Reader

ROOT = Path(__file__).parent.parent


def alembic_config() -> Config:
    """Alembic's configuration, wherever the process was started."""
    return Config(toml_file=ROOT / "pyproject.toml")


@cache
def heads() -> set[str]:
    return set(ScriptDirectory.from_config(alembic_config()).get_heads())


def at_head(connection: Reader) -> bool:
    """Whether the database has the newest migration."""
    assert isinstance(connection, Connection)
    return set(MigrationContext.configure(connection).get_current_heads()) == heads()
