"""Add mails, the tokens in them, and the time of the verification of an address."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", time("email_verified_at", nullable=True))
    create_mails()
    create_account_tokens()


def time(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def create_mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        time("next_attempt_at", server_default=sa.func.now(), nullable=False),
        time("sent_at", nullable=True),
        time("failed_at", nullable=True),
        time("created_at", server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_mails_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index(
        "ix_mails_due",
        "mails",
        ["next_attempt_at"],
        postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
    )
    op.create_index("ix_mails_user_id", "mails", ["user_id"])


def create_account_tokens() -> None:
    table = "account_tokens"
    op.create_table(
        table,
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_digest", sa.LargeBinary(), nullable=False),
        time("expires_at", nullable=False),
        time("created_at", server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_account_tokens_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_account_tokens")),
    )
    op.create_index("uq_account_tokens_user_id_purpose", table, ["user_id", "purpose"], unique=True)
    op.create_index("ix_account_tokens_expires_at", table, ["expires_at"])


def downgrade() -> None:
    op.drop_table("account_tokens")
    op.drop_table("mails")
    op.drop_column("users", "email_verified_at")
