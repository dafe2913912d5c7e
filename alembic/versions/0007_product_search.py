"""Add the indexes of the search, the filters and the sort orders of products."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_products_by_name": "(name, id)",
    "ix_products_of_currency": "(currency, created_at, id)",
    "ix_products_of_currency_by_name": "(currency, name, id)",
    "ix_products_of_currency_by_price": "(currency, price, id)",
    "ix_products_search": "USING gin (to_tsvector('simple', (name || ' ') || description))",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            # A build that failed leaves an invalid index.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(
                f"CREATE INDEX CONCURRENTLY {name} ON products {columns} WHERE retired_at IS NULL"
            )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
