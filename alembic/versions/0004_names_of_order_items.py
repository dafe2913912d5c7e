"""The name of the product at the time of ordering, in the items of orders."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_items", sa.Column("name", sa.Text(), nullable=True))
    op.execute("""
        UPDATE order_items SET name = products.name
        FROM products WHERE products.id = order_items.product_id
        """)


def downgrade() -> None:
    op.drop_column("order_items", "name")
