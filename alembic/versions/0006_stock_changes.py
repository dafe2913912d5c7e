"""Add the stock ledger, the metadata of orders, and an index on the orders of a product."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REASONS = (
    "('opening', 'created', 'order', 'cancellation', 'import', 'count', "
    "'delivery', 'return', 'loss', 'correction')"
)
# Inserts a batch: the foreign key locks its products until the end of the statement, and orders
# wait for these locks. All transactions lock products by ascending id, which prevents deadlocks.
OPENING = sa.text("""
    INSERT INTO stock_changes (product_id, version, change, stock, reason)
    SELECT id, version, stock, stock, 'opening'
    FROM products
    WHERE id > :after AND stock <> 0
        AND NOT EXISTS (SELECT FROM stock_changes WHERE product_id = products.id)
    ORDER BY id
    LIMIT 1000
    RETURNING product_id
    """)


def upgrade() -> None:
    # IF NOT EXISTS: the block below commits this statement, and a failed migration runs again.
    op.execute("ALTER TABLE orders ADD COLUMN IF NOT EXISTS metadata jsonb DEFAULT '{}' NOT NULL")
    create_table()
    # In separate transactions, because ALTER TABLE blocks reads of the table until the commit.
    with op.get_context().autocommit_block():
        # A build that failed leaves an invalid index.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_order_items_of_product")
        op.create_index(
            "ix_order_items_of_product",
            "order_items",
            ["product_id", "order_id"],
            postgresql_concurrently=True,
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_order_items_product_id")
        if not op.get_context().as_sql:
            insert_opening_rows()


def create_table() -> None:
    op.create_table(
        "stock_changes",
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("stock", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_by_api_key", sa.Uuid(), nullable=True),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("change <> 0", name=op.f("ck_stock_changes_change_not_zero")),
        sa.CheckConstraint(f"reason IN {REASONS}", name=op.f("ck_stock_changes_reason_known")),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("fk_stock_changes_product_id_products"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", "version", name=op.f("pk_stock_changes")),
        if_not_exists=True,
    )


def insert_opening_rows() -> None:
    after = ""
    while done := op.get_bind().execute(OPENING, {"after": after}).scalars().all():
        after = done[-1]


def downgrade() -> None:
    op.create_index("ix_order_items_product_id", "order_items", ["product_id"])
    op.drop_index("ix_order_items_of_product", table_name="order_items")
    op.drop_table("stock_changes")
    op.drop_column("orders", "metadata")
