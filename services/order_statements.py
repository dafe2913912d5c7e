"""How orders are read and placed: by one statement each, whatever the number of items."""

from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Row,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    text,
    type_coerce,
)

from models.base import Base, table
from models.orders import History, Order, OrderChange, OrderItem
from models.types import JSONText

# With the columns of an order, `items` and `history`.
OrderRow = Row[Any]

orders = table(Order)


def _of_order(model: type[Base], order_by: str, *names: str) -> ColumnElement[Any]:
    """The rows of `model` that an order has, as a JSON array of objects."""
    columns = table(model).c
    mine = select(*(columns[name] for name in names)).where(columns.order_id == orders.c.id)
    element = mine.order_by(columns[order_by]).correlate(orders).subquery("element")
    rows = func.json_agg(func.row_to_json(element.table_valued()), type_=JSON)
    return select(rows).select_from(element).scalar_subquery()


# As they are returned.
ITEMS = cast(_of_order(OrderItem, "position", "product_id", "quantity", "unit_price"), JSONText)
CHANGES = type_coerce(
    _of_order(OrderChange, "version", "from_status", "to_status", "changed_by", "changed_at"),
    History,
)
# An order of version 1 has no changes to look for.
HISTORY = case((orders.c.version > literal_column("1"), CHANGES))
ADDRESS = cast(orders.c.shipping_address, JSONText)
READING = select(
    *(column for column in orders.c if column.name != "shipping_address"),
    ADDRESS.label("shipping_address"),
    ITEMS.label("items"),
    HISTORY.label("history"),
)
FILTERS = {
    "id": orders.c.id == bindparam("id"),
    "user_id": orders.c.user_id == bindparam("user_id"),
    "status": orders.c.status == bindparam("status"),
    "created_after": orders.c.created_at >= bindparam("created_after"),
}


@cache
def reading(*filters: str) -> Select[Any]:
    """Orders with their items and history, as far as they match `filters`; kept, once made."""
    statement = READING.where(*(FILTERS[name] for name in filters))
    return statement.execution_options(prepared=True)


# `found` is there if nothing was placed: what is on sale of what is wanted.
_PLACING = text("""
    WITH wanted AS (
        SELECT *
        FROM unnest(CAST(:product_ids AS varchar[]), CAST(:quantities AS integer[]))
            WITH ORDINALITY AS line (product_id, quantity, position)
        WHERE quantity > 0 -- all are, but PostgreSQL then expects few enough to use the index
    ), locked AS (
        -- A row that is locked is the newest, though somebody has changed it since this statement
        -- began: so all that follows goes by these rows. They are locked in the order of their
        -- ids: who locks alike can't deadlock.
        SELECT products.id, stock, version, price, currency, quantity, position
        FROM products JOIN wanted ON product_id = products.id
        WHERE retired_at IS NULL
        ORDER BY products.id
        FOR UPDATE OF products
    ), summed AS (
        SELECT count(*) FILTER (WHERE stock >= quantity) AS enough,
            count(DISTINCT currency) AS currencies, min(currency) AS currency,
            CAST(sum(quantity * price) AS bigint) AS total
        FROM locked
    ), placed AS (
        INSERT INTO orders (id, user_id, total, currency, shipping_address)
        SELECT :id, :user_id, total, currency, :shipping_address
        FROM summed
        WHERE enough = cardinality(CAST(:product_ids AS varchar[])) AND currencies = 1
        RETURNING *
    ), filled AS (
        INSERT INTO order_items (order_id, position, product_id, quantity, unit_price)
        SELECT placed.id, position - 1, locked.id, quantity, price
        FROM placed, locked
    ), taken AS (
        UPDATE products
        SET stock = locked.stock - quantity, version = locked.version + 1,
            updated_at = clock_timestamp()
        FROM locked, placed
        WHERE products.id = locked.id
    )
    SELECT placed.id, user_id, status, placed.total, placed.currency, version,
        created_at, updated_at, CAST(shipping_address AS text) AS shipping_address,
        CAST(NULL AS json) AS history, (
            SELECT CAST(json_agg(row_to_json(item)) AS text)
            FROM (
                SELECT id AS product_id, quantity, price AS unit_price
                FROM locked ORDER BY position
            ) AS item
        ) AS items,
        CASE WHEN placed.id IS NULL THEN (
            SELECT json_object_agg(
                id, json_build_object('stock', stock, 'currency', currency))
            FROM locked
        ) END AS found
    FROM summed LEFT JOIN placed ON true
    """)
PLACING = (
    _PLACING.bindparams(
        bindparam("id", type_=orders.c.id.type),
        bindparam("user_id", type_=orders.c.user_id.type),
        bindparam("shipping_address", type_=orders.c.shipping_address.type),
    )
    .columns(
        **{column.name: column.type for column in orders.c}
        | {"shipping_address": JSONText, "items": JSONText},
        history=History,
        found=JSON,
    )
    .execution_options(prepared=True)
)
