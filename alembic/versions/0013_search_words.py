"""Replace the search index of products by an index that also has the beginnings of words."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SEARCH_WORDS = """
CREATE OR REPLACE FUNCTION search_words(text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT words || array_to_tsvector(ARRAY(
        SELECT '^' || left(word, length)
        FROM unnest(tsvector_to_array(words)) AS word, generate_series(1, 8) AS length
    ))
    FROM to_tsvector('pg_catalog.simple', $1) AS words
$$"""
TEXT = "(name || ' ') || description"
OLD = "ix_products_search", f"to_tsvector('simple', {TEXT})"
NEW = "ix_products_words", f"search_words({TEXT})"


def upgrade() -> None:
    op.execute(SEARCH_WORDS)
    replace(OLD, NEW)
    # Searches need no statistics of the index, and ANALYZE would call `search_words` very often.
    op.execute(f"ALTER INDEX {NEW[0]} ALTER COLUMN 1 SET STATISTICS 0")


def downgrade() -> None:
    replace(NEW, OLD)
    op.execute("DROP FUNCTION search_words")


def replace(old: tuple[str, str], new: tuple[str, str]) -> None:
    """Build the new index before the old one is dropped, so that searches stay fast."""
    name, words = new
    with op.get_context().autocommit_block():
        # A build that failed leaves an invalid index.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {name} ON products USING gin ({words})"
            " WHERE retired_at IS NULL"
        )
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {old[0]}")
