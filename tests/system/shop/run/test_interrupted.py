"""`make run`, interrupted before the service is ready."""

import shutil
import subprocess

import pytest
from alembic import command as alembic
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.db.schema_version import alembic_config
from tests.support.checkouts import interrupted, processes_of
from tests.support.runs import command
from tests.support.servers import free_port
from tools import embedded

pytestmark = pytest.mark.checkout


def migrate(connection):
    """Migrate the database to the newest schema, without demo rows."""
    config = alembic_config()
    config.attributes["url"] = connection.engine.url.render_as_string(hide_password=False)
    alembic.upgrade(config, "head")


def waits(engine):
    """Return whether a transaction waits for a lock."""
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return connection.execute(query).scalar() > 0


class TestInterrupted:
    def interrupt(self, checkout, ready):
        """Interrupt a run as soon as `ready()`, and return the lines of its stderr."""
        process = subprocess.Popen(**command(checkout, free_port()), stderr=subprocess.PIPE)
        output = interrupted(process, ready)
        assert process.returncode == 130
        assert "Traceback" not in output
        return output.splitlines()

    # initdb runs for a while after it has created the second file.
    @pytest.mark.parametrize("made", ["postgres", "postgres/global/pg_control"])
    def test_while_postgresql_starts(self, checkout, made):
        shutil.rmtree(checkout / ".data", ignore_errors=True)

        output = self.interrupt(checkout, (checkout / ".data" / made).exists)

        assert output == [
            "Interrupted before the service was ready. Run `make run` to start it again."
        ]
        assert processes_of(checkout) == []

    def test_while_the_demo_rows_are_loaded(self, checkout):
        with embedded.postgres(checkout / ".data" / "postgres") as url:
            engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
            with engine.begin() as connection:
                migrate(connection)
                connection.execute(text("LOCK TABLE users"))
                output = self.interrupt(checkout, lambda: waits(engine))
            engine.dispose()

        assert output[-1].startswith("Interrupted before the service was ready")
        assert processes_of(checkout) == []
