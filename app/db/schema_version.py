"""Which migration the code needs, and which one the database has."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.orm import Session

ROOT = Path(__file__).parents[2]


def alembic_config() -> Config:
    """Alembic's configuration, wherever the process was started."""
    return Config(toml_file=ROOT / "pyproject.toml")


@cache
def head() -> str:
    """The newest migration that this code knows; migrations are numbered."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert revision is not None
    return revision


def at_head(session: Session) -> bool:
    """Whether the database has the newest migration that this code knows, or a newer one.

    In an upgrade the migration comes first, and the replicas of before have to serve on until
    their successors do.
    """
    context = MigrationContext.configure(session.connection())
    current = context.get_current_revision() or ""
    return current.isdigit() and current >= head()
