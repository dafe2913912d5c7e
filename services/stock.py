"""Stock, returned; an order takes it in the statement that places it."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

RELEASING = text("""
    WITH returned AS (
        SELECT *
        FROM unnest(CAST(:product_ids AS varchar[]), CAST(:quantities AS integer[]))
            AS line (product_id, quantity)
        WHERE quantity > 0 -- as orders have it
    ), locked AS (
        -- In the order of their ids, as orders lock them.
        SELECT products.id, stock, version, quantity
        FROM products JOIN returned ON product_id = products.id
        ORDER BY products.id
        FOR UPDATE OF products
    )
    UPDATE products
    SET stock = locked.stock + quantity, version = locked.version + 1,
        updated_at = clock_timestamp()
    FROM locked
    WHERE products.id = locked.id
    """).execution_options(prepared=True)


def release(session: Session, quantities: Mapping[str, int]) -> None:
    """Put pieces of products, by their ids, back."""
    lines = {"product_ids": list(quantities), "quantities": list(quantities.values())}
    session.execute(RELEASING, lines)
