"""Create the table api_keys, allow the role service, and add API keys to order changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "'credentials' <> ALL (scopes)", name=op.f("ck_api_keys_no_credentials_scope")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_api_keys_created_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
        if_not_exists=True,
    )
    create_index("ix_api_keys_user_id", ["user_id", "created_at", "id"])
    create_index("ix_api_keys_newest_first", ["created_at", "id"])
    allow_roles("'user', 'admin', 'service'")
    # Last, because requests lock `users` before `order_changes`. This prevents deadlocks.
    op.execute("ALTER TABLE order_changes ADD COLUMN IF NOT EXISTS changed_by_api_key uuid")


def create_index(name: str, columns: list[str]) -> None:
    not_revoked = sa.text("revoked_at IS NULL")
    op.create_index(name, "api_keys", columns, if_not_exists=True, postgresql_where=not_revoked)


def downgrade() -> None:
    # Service accounts become ordinary users, which cannot sign in without a password.
    op.execute("UPDATE users SET role = 'user' WHERE role = 'service'")
    allow_roles("'user', 'admin'")
    op.drop_column("order_changes", "changed_by_api_key")
    op.drop_table("api_keys")


def allow_roles(roles: str) -> None:
    """Replace the constraint; validate existing rows in a transaction that blocks no writes."""
    op.execute("ALTER TABLE users DROP CONSTRAINT IF EXISTS ck_users_role_known")
    op.execute(
        f"ALTER TABLE users ADD CONSTRAINT ck_users_role_known CHECK (role IN ({roles})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_role_known")
