"""Create the table events, and add the threshold of low stock to products."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "txid",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("resource_version", sa.BigInteger(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_in_order", "events", ["txid", "id"])
    op.create_index("ix_events_of_type", "events", ["type", "txid", "id"])
    op.create_index("ix_events_of_resource", "events", ["resource_id", "txid", "id"])
    op.create_index("ix_events_of_actor", "events", ["actor_id", "txid", "id"])
    op.add_column("products", sa.Column("stock_low_threshold", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("products", "stock_low_threshold")
    op.drop_table("events")
