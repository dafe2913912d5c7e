"""A PostgreSQL server with a streaming replica."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.db.schema_version import alembic_config
from tools import embedded


class Server:
    def __init__(self, url, data):
        self.url, self.data = make_url(url).set(drivername="postgresql+psycopg2"), data
        self.engine = create_engine(self.url, isolation_level="AUTOCOMMIT")

    def run(self, statement, **values):
        with self.engine.connect() as connection:
            result = connection.execute(text(statement), values)
            return result.scalar() if result.returns_rows else None


@contextmanager
def replicated() -> Iterator[tuple[Server, Server]]:
    """Run a primary at the newest migration, and its replica, until the end of the block."""
    # Not in tmp_path: pytest makes that folder private, and PostgreSQL may run as another user.
    with TemporaryDirectory() as folder:
        primary, replica = Path(folder) / "primary", Path(folder) / "replica"
        with embedded.postgres(primary) as url, embedded.replica(primary, replica) as replica_url:
            both = Server(url, primary), Server(replica_url, replica)
            config = alembic_config()
            config.attributes["url"] = both[0].url.render_as_string(hide_password=False)
            command.upgrade(config, "head")
            yield both
            for server in both:
                server.engine.dispose()
