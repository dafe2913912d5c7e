"""Verification of the stock ledger: the sum of the changes of a product is its stock."""

from collections.abc import Sequence

from sqlalchemy import Row, func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from models.base import table
from models.products import Product
from models.stock import StockChange, StockReason

products, changes = table(Product), table(StockChange)
SUM = (
    select(func.coalesce(func.sum(changes.c.change), 0))
    .where(changes.c.product_id == products.c.id)
    .scalar_subquery()
)
DIFFERENCES = (
    select(products.c.id, products.c.stock, SUM.label("recorded"))
    .where(products.c.stock != SUM)
    .order_by(products.c.id)
)


def differences(session: Session) -> Sequence[Row[str, int, int]]:
    """Return the `id`, `stock` and `recorded` sum of changes of products where the sum differs."""
    session.execute(text("SET LOCAL statement_timeout = 0"))  # the query reads the whole ledger
    return session.execute(DIFFERENCES).all()


def repair(session: Session, product_id: str) -> None:
    """Record the difference between the stock and the ledger; the stock does not change."""
    # The first statement locks the product, so that the second one sees all changes of the product.
    mine = products.c.id == product_id
    session.execute(update(products).where(mine).values(version=products.c.version + 1))
    difference = select(
        products.c.id,
        products.c.version,
        products.c.stock - SUM,
        products.c.stock,
        literal(StockReason.CORRECTION),
    ).where(mine, products.c.stock != SUM)
    names = ["product_id", "version", "change", "stock", "reason"]
    session.execute(insert(changes).from_select(names, difference))
