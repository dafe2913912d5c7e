"""Return of stock after a cancellation; order_statements.py takes stock."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

RELEASING = text("""
    WITH returned AS (
        SELECT *
        FROM unnest(CAST(:product_ids AS varchar[]), CAST(:quantities AS integer[]))
            AS line (product_id, quantity)
        WHERE quantity > 0 -- always true; lowers the row estimate, so that the index is used
    ), locked AS (
        -- In the order of the ids, as in PLACE_ORDER, which prevents deadlocks.
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
    """Return units to the stock; `quantities` maps ids of products to units."""
    lines = {"product_ids": list(quantities), "quantities": list(quantities.values())}
    session.execute(RELEASING, lines)
