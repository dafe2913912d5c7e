"""Stock, returned; an order takes it in the statement that places it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Integer, String, Subquery, column, func, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from models.products import Product

Quantities = Mapping[str, int]


def release(session: Session, quantities: Quantities) -> None:
    """Put pieces back."""
    lines, locked = _wanted(quantities), _locked_in_order(quantities)
    statement = (
        update(Product)
        .where(Product.id == lines.c.id, Product.id == locked.c.id)
        .values(stock=Product.stock + lines.c.quantity, version=Product.version + 1)
    )
    session.execute(statement, **NO_SYNC)


NO_SYNC: dict[str, Any] = {"execution_options": {"synchronize_session": False}}


def _wanted(quantities: Quantities) -> Subquery:
    """The quantities as a table of `id` and `quantity`."""
    ids = sql_cast(list(quantities), ARRAY(String))
    counts = sql_cast(list(quantities.values()), ARRAY(Integer))
    lines = func.unnest(ids, counts).table_valued(column("id", String), column("quantity", Integer))
    return select(lines.render_derived("line")).subquery("wanted")


def _locked_in_order(quantities: Quantities) -> Any:
    """The ids of the products, locked in their order: who locks alike can't deadlock."""
    return (
        select(Product.id)
        .where(Product.id.in_(sorted(quantities)))
        .order_by(Product.id)
        .with_for_update()
        .cte("locked")
    )
