"""Add webhook endpoints and their deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_endpoints()
    create_deliveries()
    op.create_table(
        "webhook_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("txid", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_webhook_position_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_position")),
    )
    op.execute("INSERT INTO webhook_position VALUES (1, 0, '00000000-0000-0000-0000-000000000000')")


def time(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def create_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("event_types", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("description", sa.String(length=200), server_default="", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("disabled_reason", sa.String(length=16), nullable=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        time("previous_secret_expires_at", nullable=True),
        time("failing_since", nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        time("created_at", server_default=sa.func.now(), nullable=False),
        time("updated_at", server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index("ix_webhook_endpoints_newest_first", "webhook_endpoints", ["created_at", "id"])


def create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("is_test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        time("next_attempt_at", server_default=sa.func.now(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_latency_ms", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_response", sa.Text(), nullable=True),
        time("created_at", server_default=sa.func.now(), nullable=False),
        time("updated_at", server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'delivered', 'failed')",
            name=op.f("ck_webhook_deliveries_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id_webhook_endpoints"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    create_indexes_of_deliveries()


def create_indexes_of_deliveries() -> None:
    table = "webhook_deliveries"
    op.create_index(
        "uq_webhook_deliveries_event_endpoint", table, ["event_id", "endpoint_id"], unique=True
    )
    op.create_index("ix_webhook_deliveries_of_endpoint", table, ["endpoint_id", "created_at", "id"])
    op.create_index(
        "ix_webhook_deliveries_failed",
        table,
        ["endpoint_id", "created_at", "id"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        table,
        ["endpoint_id", "next_attempt_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_webhook_deliveries_pruning", table, ["updated_at"])


def downgrade() -> None:
    op.drop_table("webhook_position")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_endpoints")
