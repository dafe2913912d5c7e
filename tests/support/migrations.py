"""Checks that migrations keep the existing rows."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, select
from sqlalchemy.orm import Session

from models.api_keys import APIKey
from models.events import Event, EventType
from models.idempotency import IdempotencyKey
from models.sessions import AuthSession
from models.users import User
from tests.support.servers import BASE, ROOT

USERS = 3
NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)


def load(engine):
    """Create rows of each table that does not belong to the shop."""
    with Session(engine) as session, session.begin():
        for n in range(USERS):
            user = User(email=f"user{n}@example.com", password_hash="x")
            session.add(user)
            session.flush()
            session.add(AuthSession(user_id=user.id, token_hash=b"x", expires_at=NEXT_YEAR))
            session.add(IdempotencyKey(user_id=user.id, key="k", fingerprint=b"x"))
            key = {"user_id": user.id, "created_by": user.id, "name": "k", "scopes": ["profile"]}
            session.add(APIKey(**key, digest=user.id.encode()))
            session.add(Event(type=EventType.USER_REGISTERED, resource_id=user.id, data={}))


def alembic(url, *args, cwd=ROOT):
    """Start an `alembic` command whose only setting is DATABASE_URL."""
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", *args],
        cwd=cwd,
        env=BASE | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


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
