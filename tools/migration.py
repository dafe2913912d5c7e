"""`make migration NAME=suppliers`: write a migration for the changes of the models."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.operations import ops
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.db.schema_version import ROOT, alembic_config
from tools.embedded import postgres

VERBS = {ops.CreateTableOp: "Create", ops.DropTableOp: "Drop"}


def main(name: str) -> None:
    """Write the next migration; `name` is part of its file name.

    Raises:
        SystemExit: The migrations match the models.
    """
    config = alembic_config()
    number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1

    def describe(_context: object, _revision: object, scripts: list[Any]) -> None:
        operations = scripts[0].upgrade_ops.ops
        if not operations:
            sys.exit(
                "Nothing to write: the migrations match the models. For a migration of data, run "
                f'.venv/bin/alembic revision --rev-id {number:04} --message "{name}"'
            )
        # The template of migrations writes this text into the docstring.
        config.attributes["summary"] = summary(operations)

    with empty_database() as config.attributes["url"]:
        command.upgrade(config, "head")
        command.revision(
            config,
            name,
            autogenerate=True,
            rev_id=f"{number:04}",
            process_revision_directives=describe,
        )


def summary(operations: list[Any]) -> str:
    """Return the operations in words: "Create the table suppliers. Change the table parts."."""
    verbs: dict[str, str] = {}
    for operation in operations:
        # For a new table with an index, write only "Create".
        verbs.setdefault(operation.table_name, VERBS.get(type(operation), "Change"))
    return " ".join(f"{verb} the table {table}." for table, verb in sorted(verbs.items()))


@contextmanager
def empty_database() -> Iterator[str]:
    """Create a database, yield its URL, and drop the database at the end of the block.

    The database of `make run` does not change.
    """
    with postgres(Path(ROOT, ".data", "postgres")) as server:
        url = make_url(server).set(drivername="postgresql+psycopg2")
        name = f"migration_{secrets.token_hex(6)}"
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            try:
                yield url.set(database=name).render_as_string(hide_password=False)
            finally:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit("A migration needs a name: make migration NAME=suppliers")
    main(sys.argv[1])
