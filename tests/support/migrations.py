"""Checks of migrations that have rows to keep."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, select


def check_downgrades(engine: Engine, config: Config, load: Callable[[Engine], None]) -> None:
    """Check that each migration can be undone and repeated, and that no row is lost.

    Args:
        load: Creates rows in a database at the newest migration.
    """
    command.upgrade(config, "head")
    load(engine)

    for script in ScriptDirectory.from_config(config).walk_revisions():
        newer = contents(engine)
        command.downgrade(config, script.down_revision or "base")
        older = contents(engine)
        command.upgrade(config, script.revision)
        again = contents(engine)
        command.downgrade(config, script.down_revision or "base")

        assert older == part(newer, like=older) == part(again, like=older)
        assert {table: set(again[table]) for table in again} == {
            table: set(newer[table]) for table in newer
        }

    assert older == {}
    command.upgrade(config, "head")
    load(engine)


def contents(engine):
    """Return the values in each column of all tables except Alembic's."""
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        return {
            name: columns(table, connection.execute(select(table)).mappings().all())
            for name, table in tables.tables.items()
            if name != "alembic_version"
        }


def columns(table, rows):
    return {each.name: sorted(str(row[each.name]) for row in rows) for each in table.c}


def part(whole, like):
    """Return the tables and columns of `whole` that exist in `like`."""
    return {table: {name: whole[table][name] for name in like[table]} for table in like}
