"""SQL statements that read orders or place one, with any number of items."""

from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Row,
    Select,
    Table,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB, array

from models.api_keys import API_KEY_ID
from models.base import table
from models.events import EVENT_ID
from models.orders import History, Order, OrderChange, OrderItem
from models.products import Product
from models.types import JSONText

# The columns of an order, `items` and `history`.
OrderRow = Row[Any]

orders, items, products = table(Order), table(OrderItem), table(Product)
changes = table(OrderChange)


def _of_order(
    rows: Table, order_by: ColumnElement[Any], *columns: ColumnElement[Any]
) -> ColumnElement[Any]:
    """Return the `columns` of the rows of an order, as a JSON array of objects."""
    mine = select(*columns).where(rows.c.order_id == orders.c.id)
    element = mine.order_by(order_by).correlate(orders).subquery("element")
    array = func.json_agg(func.row_to_json(element.table_valued()), type_=JSON)
    return select(array).select_from(element).scalar_subquery()


PRODUCT_NAME = select(products.c.name).where(products.c.id == items.c.product_id).scalar_subquery()
# Pods of version 1.0 insert items without a name during an upgrade.
ITEM_NAME = func.coalesce(items.c.name, PRODUCT_NAME).label("name")
# The items as JSON text, which the response contains unchanged.
ITEMS = cast(
    _of_order(
        items,
        items.c.position,
        items.c.product_id,
        ITEM_NAME,
        items.c.quantity,
        items.c.unit_price,
    ),
    JSONText,
)
CHANGES = type_coerce(
    _of_order(
        changes,
        changes.c.version,
        changes.c.from_status,
        changes.c.to_status,
        changes.c.changed_by,
        changes.c.changed_by_api_key,
        changes.c.changed_at,
    ),
    History,
)
# An order of version 1 has no changes, so skip the subquery.
HISTORY = case((orders.c.version > literal_column("1"), CHANGES))
ORDER_COLUMNS = (
    *(
        cast(column, JSONText).label(column.name) if isinstance(column.type, JSONB) else column
        for column in orders.c
        if column.name != "id"
    ),
    ITEMS.label("items"),
    HISTORY.label("history"),
)
ORDER_QUERY = select(orders.c.id, *ORDER_COLUMNS)
# The orders of a product. `order_items` has no time, so its index sorts the orders by id. With `=`
# instead of ANY, PostgreSQL chooses a merge join, which reads the orders of all products.
bought = items.alias("bought")
PRODUCT_QUERY = select(bought.c.order_id.label("id"), *ORDER_COLUMNS).join_from(
    bought, orders, orders.c.id == any_(array([bought.c.order_id]))
)
HAS_PRODUCT = exists().where(
    items.c.order_id == orders.c.id, items.c.product_id == bindparam("product_id")
)
FILTERS = {
    "id": orders.c.id == bindparam("id"),
    "user_id": orders.c.user_id == bindparam("user_id"),
    "status": orders.c.status == bindparam("status"),
    "created_after": orders.c.created_at >= bindparam("created_after"),
    "created_before": orders.c.created_at < bindparam("created_before"),
    "product_id": HAS_PRODUCT,
}
PRODUCT_FILTERS = FILTERS | {
    "product_id": bought.c.product_id == bindparam("product_id"),
    "first_id": bought.c.order_id >= bindparam("first_id"),
    "last_id": bought.c.order_id <= bindparam("last_id"),
}


@cache
def reading(*filters: str) -> Select[Any]:
    """Return the query for orders with items and history, with conditions for `filters`."""
    statement = ORDER_QUERY.where(*(FILTERS[name] for name in filters))
    return statement.execution_options(prepared=True)


@cache
def reading_of_product(*filters: str) -> Select[Any]:
    """Return the query for the orders of a product, which can be sorted by id only."""
    statement = PRODUCT_QUERY.where(*(PRODUCT_FILTERS[name] for name in filters))
    return statement.execution_options(prepared=True)


# Returns the order, and in `low` the products whose stock fell to their threshold. If no order was
# placed, `found` has the stock and the currency of the wanted products that are on sale.
_PLACE_ORDER = text("""
    WITH wanted AS (
        SELECT *
        FROM unnest(CAST(:product_ids AS varchar[]), CAST(:quantities AS integer[]))
            WITH ORDINALITY AS line (product_id, quantity, position)
        WHERE quantity > 0 -- always true; lowers the row estimate, so that the index is used
    ), locked AS (
        -- FOR UPDATE returns the latest committed version of a row, even if it is newer than this
        -- statement, so the rest of the statement uses only these rows. All transactions lock
        -- products in the order of their ids, which prevents deadlocks.
        SELECT products.id, name, stock, stock_low_threshold, version, price, currency, quantity,
            position
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
        INSERT INTO orders (id, user_id, total, currency, shipping_address, metadata)
        SELECT :id, :user_id, total, currency, :shipping_address, :metadata
        FROM summed
        WHERE enough = cardinality(CAST(:product_ids AS varchar[])) AND currencies = 1
        RETURNING *
    ), filled AS (
        INSERT INTO order_items (order_id, position, product_id, name, quantity, unit_price)
        SELECT placed.id, position - 1, locked.id, name, quantity, price
        FROM placed, locked
    ), taken AS (
        UPDATE products
        SET stock = locked.stock - quantity, version = locked.version + 1,
            updated_at = clock_timestamp()
        FROM locked, placed
        WHERE products.id = locked.id
    ), recorded AS (
        INSERT INTO stock_changes
            (product_id, version, change, stock, reason, order_id, changed_by, changed_by_api_key)
        SELECT locked.id, locked.version + 1, -quantity, stock - quantity, 'order',
            placed.id, placed.user_id, :api_key_id
        FROM placed, locked
    ), event AS (
        INSERT INTO events
            (id, type, resource_id, resource_version, data, actor_id, request_id)
        SELECT :event_id, 'order.created', :resource_id, version,
            jsonb_build_object('status', status), :actor_id, :request_id
        FROM placed
    )
    SELECT placed.id, user_id, status, placed.total, placed.currency, version,
        created_at, updated_at, CAST(shipping_address AS text) AS shipping_address,
        CAST(metadata AS text) AS metadata, CAST(NULL AS json) AS history, (
            SELECT CAST(json_agg(row_to_json(item)) AS text)
            FROM (
                SELECT id AS product_id, name, quantity, price AS unit_price
                FROM locked ORDER BY position
            ) AS item
        ) AS items,
        CASE WHEN placed.id IS NULL THEN (
            SELECT json_object_agg(
                id, json_build_object('stock', stock, 'currency', currency))
            FROM locked
        ) END AS found, (
            SELECT json_agg(json_build_object('id', id, 'version', version + 1,
                'stock', stock - quantity, 'stock_low_threshold', stock_low_threshold))
            FROM locked
            WHERE stock - quantity <= stock_low_threshold AND stock > stock_low_threshold
        ) AS low
    FROM summed LEFT JOIN placed ON true
    """)
PLACE_ORDER = (
    _PLACE_ORDER.bindparams(
        bindparam("id", type_=orders.c.id.type),
        bindparam("user_id", type_=orders.c.user_id.type),
        bindparam("api_key_id", type_=API_KEY_ID),
        bindparam("event_id", type_=EVENT_ID),
        bindparam("shipping_address", type_=orders.c.shipping_address.type),
        bindparam("metadata", type_=orders.c.metadata.type),
    )
    .columns(
        **{column.name: column.type for column in orders.c}
        | {"shipping_address": JSONText, "metadata": JSONText, "items": JSONText},
        history=History,
        found=JSON,
        low=JSON,
    )
    .execution_options(prepared=True)
)
