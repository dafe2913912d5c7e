"""How Alembic reaches the database, and how migrations of many replicas take turns."""

import sys

from alembic import context
from sqlalchemy import create_engine, pool, text

from app.settings import SettingsError, database_url
from models import Base

# Any number, as long as no other program takes this lock in the same database.
MIGRATION_LOCK = 7_205_759
# A migration that waits for a table blocks all who come after it; better to fail and be run again.
DDL_LOCK_TIMEOUT = "3s"


def run() -> None:
    try:
        url = context.config.attributes.get("url") or database_url()
    except SettingsError as error:
        sys.exit(str(error))
    if context.is_offline_mode():  # `alembic upgrade head --sql` prints what it would do
        context.configure(url=url, target_metadata=Base.metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
    else:
        migrate(url)


def migrate(url: str) -> None:
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            # One transaction for all of it: the lock is given back by its end, whatever happens.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = '{DDL_LOCK_TIMEOUT}'"))
            context.run_migrations()


run()
