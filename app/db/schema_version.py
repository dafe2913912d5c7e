"""Alembic revisions of this version of the code."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).parents[2]


def alembic_config() -> Config:
    """Return Alembic's configuration, independent of the working directory."""
    return Config(toml_file=ROOT / "pyproject.toml")


@cache
def outdated_revisions() -> frozenset[str]:
    """Return all revisions except the head."""
    scripts = ScriptDirectory.from_config(alembic_config())
    known = {script.revision for script in scripts.walk_revisions()}
    return frozenset(known.difference(scripts.get_heads()))
