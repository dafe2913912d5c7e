"""Alembic revisions of this version of the code."""

from collections.abc import Collection
from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).parents[2]


def alembic_config() -> Config:
    """Return Alembic's configuration, independent of the working directory."""
    return Config(toml_file=ROOT / "pyproject.toml")


@cache
def revisions() -> tuple[frozenset[str], frozenset[str]]:
    """Return the heads (one for each branch) and all older revisions."""
    scripts = ScriptDirectory.from_config(alembic_config())
    heads = frozenset(scripts.get_heads())
    return heads, frozenset(script.revision for script in scripts.walk_revisions()) - heads


def is_current(applied: Collection[str]) -> bool:
    """Return True if a database at the revisions `applied` has all migrations of this version.

    An unknown revision counts as newer. An upgrade migrates the database first, and the pods of the
    previous version must stay ready meanwhile.
    """
    heads, older = revisions()
    is_newer = any(revision not in heads for revision in applied)
    return older.isdisjoint(applied) and (is_newer or heads.issubset(applied))
