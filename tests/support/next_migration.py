"""A copy of the project with a new migration, for tests that must not use an existing one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.script import ScriptDirectory

from app.db.schema_version import alembic_config
from tests.support.checkouts import copied

ADD_COLUMN = '''
"""Add a column to the table sessions."""

import sqlalchemy as sa
from alembic import op

revision = "facade"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("device", sa.String(20)))


def downgrade() -> None:
    op.drop_column("sessions", "device")
'''


@contextmanager
def with_next_migration(text: str = ADD_COLUMN) -> Iterator[Path]:
    """Yield a copy with a migration of this text; `{head}` stands for the last migration."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with copied() as copy:
        (copy / "alembic" / "versions" / "next.py").write_text(text.format(head=head))
        yield copy
