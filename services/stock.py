"""Stock of products and its ledger; order_statements.py reduces the stock for new orders."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Row, bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from models.base import table
from models.events import EventType
from models.products import MAX_STOCK, Product
from models.stock import StockChange, StockReason
from services import events, pages, queries
from services.errors import InvalidInput, NotFound, Problem
from services.principals import Principal, actor_of

products, changes = table(Product), table(StockChange)
OF_PRODUCT = select(changes).where(changes.c.product_id == bindparam("product_id"))
NEWEST = pages.Sort(("version",))


class InsufficientStock(Problem):
    """Has the extension member `available`: the number of units in stock."""

    status, slug, title = 409, "insufficient-stock", "Insufficient stock"
    detail = "The stock would fall below zero; nothing was changed."
    advice = "`available` is the number of units in stock. Count again, then remove less."
    example: ClassVar = {"available": 1}


# Changes stocks by positive or negative numbers of units, records the changes, and returns the
# products whose stock has become low.
ADD = (
    text("""
    WITH added AS (
        SELECT *
        FROM unnest(CAST(:product_ids AS varchar[]), CAST(:changes AS bigint[]))
            WITH ORDINALITY AS line (product_id, change, position)
        WHERE position > 0 -- always true; lowers the row estimate, so that the index is used
    ), locked AS (
        -- In the order of the ids, as in PLACE_ORDER, which prevents deadlocks.
        SELECT products.id, stock, stock_low_threshold, version, change
        FROM products JOIN added ON product_id = products.id
        ORDER BY products.id
        FOR UPDATE OF products
    ), updated AS (
        UPDATE products
        SET stock = locked.stock + change, version = locked.version + 1,
            updated_at = clock_timestamp()
        FROM locked
        WHERE products.id = locked.id
    ), recorded AS (
        INSERT INTO stock_changes
            (product_id, version, change, stock, reason, order_id, changed_by, changed_by_api_key)
        SELECT id, version + 1, change, stock + change, :reason, :order_id, :changed_by,
            :changed_by_api_key
        FROM locked
    )
    SELECT id, version + 1 AS version, stock + change AS stock, stock_low_threshold
    FROM locked
    WHERE stock + change <= stock_low_threshold AND stock > stock_low_threshold
    """)
    .bindparams(
        bindparam("order_id", type_=changes.c.order_id.type),
        bindparam("changed_by", type_=changes.c.changed_by.type),
        bindparam("changed_by_api_key", type_=changes.c.changed_by_api_key.type),
    )
    .execution_options(prepared=True)
)


def add(
    session: Session,
    units: Mapping[str, int],
    reason: StockReason,
    order_id: str | None = None,
    principal: Principal | None = None,
) -> None:
    """Add units to the stock; `units` maps ids of products to numbers other than 0."""
    values = {
        "product_ids": list(units),
        "changes": list(units.values()),
        "reason": reason,
        "order_id": order_id,
        **_caller(principal),
    }
    low = session.execute(ADD, values).mappings()
    record_low(session, [dict(row) for row in low], principal)


def record(
    session: Session,
    rows: Sequence[Any],
    reason: StockReason,
    principal: Principal | None = None,
    before: int = 0,
) -> None:
    """Record the difference between the stock and `before` (0 for new products) in the ledger."""
    caller = _caller(principal)
    values = [
        {
            "product_id": row.id,
            "version": row.version,
            "change": row.stock - before,
            "stock": row.stock,
            "reason": reason,
            **caller,
        }
        for row in rows
        if row.stock != before
    ]
    if values:
        session.execute(insert(changes), values)
    low = [_stock_of(row) for row in rows if _has_become_low(row, before)]
    record_low(session, low, principal)


def _has_become_low(row: Any, before: int) -> bool:
    threshold = row.stock_low_threshold
    return threshold is not None and row.stock <= threshold < before


def _stock_of(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", "version", "stock", "stock_low_threshold")}


def record_low(
    session: Session, rows: Sequence[Mapping[str, Any]], principal: Principal | None
) -> None:
    """Record an event for products whose stock fell to their threshold, or below it."""
    actor = actor_of(principal)
    low = [
        events.values(
            EventType.PRODUCT_STOCK_LOW,
            row["id"],
            row["version"],
            actor,
            stock=row["stock"],
            stock_low_threshold=row["stock_low_threshold"],
        )
        for row in rows
    ]
    events.record_all(session, low)


def change(
    session: Session, principal: Principal, product_id: str, change: int, reason: StockReason
) -> Row[Any]:
    """Change the stock by a number of units, and return the row of the ledger.

    Raises:
        NotFound: the product does not exist, or is retired.
        InsufficientStock: the stock would fall below zero.
        InvalidInput: the stock would be larger than MAX_STOCK.
    """
    stock = products.c.stock
    # A cancellation can raise the stock above MAX_STOCK; even then, units can be removed.
    guard = stock >= -change if change < 0 else stock <= MAX_STOCK - change
    on_sale = (products.c.id == product_id) & products.c.retired_at.is_(None)
    statement = (
        update(products)
        .where(on_sale, guard)
        .values(
            stock=stock + change, version=products.c.version + 1, updated_at=func.clock_timestamp()
        )
    )
    row = session.execute(statement.returning(products)).one_or_none()
    if row is None:
        raise _error(session, product_id, change)
    record(session, [row], reason, principal, before=row.stock - change)
    return queries.find(session, StockChange, product_id=row.id, version=row.version)


def list_changes(session: Session, product_id: str, page: pages.PageRequest) -> pages.Page:
    """Return a page of the changes of a product, newest first.

    Raises:
        NotFound: the product does not exist; a retired product keeps its changes.
    """
    queries.find(session, Product, id=product_id)
    return pages.read_page(session, OF_PRODUCT, page, {"product_id": product_id}, NEWEST)


def _caller(principal: Principal | None) -> dict[str, str | None]:
    return {
        "changed_by": principal.id if principal else None,
        "changed_by_api_key": principal.api_key_id if principal else None,
    }


def _error(session: Session, product_id: str, change: int) -> Problem:
    """Return the error for a stock that was not changed."""
    product = session.get(Product, product_id)
    if product is None or product.retired_at is not None:
        return NotFound()
    if change < 0:
        return InsufficientStock(available=product.stock)
    room = max(0, MAX_STOCK - product.stock)
    return InvalidInput.at(["/change"], f"Must be at most {room}; the stock is {product.stock}.")
