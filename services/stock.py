"""Stock: taken by orders, returned by cancellations, never below nothing."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Integer, String, Subquery, column, func, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from models.products import Product
from services.errors import InvalidInput, OutOfStock, Problem

Quantities = Mapping[str, int]


def reserve(session: Session, quantities: Quantities) -> dict[str, Row[Any]]:
    """Take pieces of products, all or nothing, in one statement.

    Returns the row of each product by its id: `id`, `price` and `currency`.

    Raises:
        InvalidInput: a product is unknown or retired.
        OutOfStock: a product has too few pieces.
    """
    lines, locked = _wanted(quantities), _locked_in_order(quantities)
    statement = (
        update(Product)
        .where(
            Product.id == lines.c.id,
            Product.id == locked.c.id,
            Product.stock >= lines.c.quantity,
            Product.retired_at.is_(None),
        )
        .values(stock=Product.stock - lines.c.quantity, version=Product.version + 1)
        .returning(Product.id, Product.price, Product.currency)
    )
    taken = {row.id: row for row in session.execute(statement, **NO_SYNC)}
    if missing := {key: n for key, n in quantities.items() if key not in taken}:
        raise _shortage(session, missing, {key: i for i, key in enumerate(quantities)})
    return taken


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


def _shortage(session: Session, missing: Quantities, positions: Mapping[str, int]) -> Problem:
    """Why these could not be taken; their rows are locked, so the figures are exact."""
    found = session.execute(
        select(Product.id, Product.stock).where(
            Product.id.in_(missing), Product.retired_at.is_(None)
        )
    )
    stock = {row.id: row.stock for row in found}
    if unknown := [f"/items/{positions[key]}/product_id" for key in missing if key not in stock]:
        return InvalidInput.at(unknown, "There is no such product.")
    return OutOfStock(
        products=[
            {"product_id": key, "requested": quantity, "available": stock[key]}
            for key, quantity in missing.items()
        ]
    )
