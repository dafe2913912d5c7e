"""The migrations that this code knows."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).parents[2]


def alembic_config() -> Config:
    """Return Alembic's configuration, whatever the working directory is."""
    return Config(toml_file=ROOT / "pyproject.toml")


@cache
def outdated_revisions() -> frozenset[str]:
    """Return all revisions that another one of this code comes after."""
    scripts = ScriptDirectory.from_config(alembic_config())
    known = {script.revision for script in scripts.walk_revisions()}
    return frozenset(known.difference(scripts.get_heads()))
