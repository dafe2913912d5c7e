"""Add to order items the name that the product had at the time of the order."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE order_items ADD COLUMN IF NOT EXISTS name text")
    # In a separate transaction, because ADD COLUMN blocks reads of the table until the commit.
    with op.get_context().autocommit_block():
        op.execute("""
            UPDATE order_items SET name = products.name
            FROM products WHERE products.id = order_items.product_id AND order_items.name IS NULL
            """)


def downgrade() -> None:
    op.drop_column("order_items", "name")
