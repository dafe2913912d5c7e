"""`make migration NAME=suppliers`: what the models say and no migration does, as a new one."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.db.schema_version import ROOT, alembic_config
from tools.embedded import postgres


def main(name: str) -> None:
    config = alembic_config()
    with empty_database() as config.attributes["url"]:
        command.upgrade(config, "head")
        number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
        command.revision(config, name.capitalize(), autogenerate=True, rev_id=f"{number:04}")


@contextmanager
def empty_database() -> Iterator[str]:
    """The URL of a database that is gone after the block; that of `make run` is left alone."""
    with postgres(Path(ROOT, ".data", "postgres")) as server:
        url = make_url(server).set(drivername="postgresql+psycopg2")
        name = f"migration_{secrets.token_hex(6)}"
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            yield url.set(database=name).render_as_string(hide_password=False)
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("A migration needs a name: make migration NAME=suppliers")
    main(sys.argv[1])
