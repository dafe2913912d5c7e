"""Add the time of the erasure to users."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    # A downgrade of this migration deletes the times of earlier erasures.
    op.execute("UPDATE users SET erased_at = updated_at WHERE email LIKE '%@erased.invalid'")


def downgrade() -> None:
    op.drop_column("users", "erased_at")
