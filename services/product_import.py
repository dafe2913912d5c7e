"""Import of products from a CSV file: check the whole file, then write it in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import Row, RowMapping, column, func, select, text
from sqlalchemy import table as plain_table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.base import table
from models.events import EventType
from models.products import Product
from models.stock import StockReason
from services import events, stock
from services.principals import Actor
from services.product_csv import COLUMNS, MAX_ERRORS, Reader

products = table(Product)
# Rows per transaction. An order of one of these products waits for the commit, at most the lock
# timeout.
BATCH = 500


class BadFileError(Exception):
    """The file has errors; the message lists them by line number."""


@dataclass(frozen=True)
class Staged:
    """The content of a file without errors, in the temporary table."""

    count: int
    columns: Sequence[str]


def stage(session: Session, file: BinaryIO, progress: Callable[[int], None]) -> Staged:
    """Check `file` (UTF-8, with a header) and copy it to a temporary table.

    The table exists until the transaction ends. The memory used does not grow with the file.
    `progress` is called with the number of bytes read since the last call.

    Raises:
        BadFileError: lines are invalid, or a product appears twice.
    """
    for timeout in ("statement_timeout", "idle_in_transaction_session_timeout"):
        session.execute(text(f"SET LOCAL {timeout} = 0"))
    session.execute(text(CREATE_STAGED))
    reader = Reader(file, progress)
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor:
        cursor.copy_expert(COPY, reader)
    for row in session.execute(text(DUPLICATES), {"most": MAX_ERRORS}):
        reader.add_error(row.line, f"{row.id} is already in line {row.first}")
    if reader.errors:
        raise BadFileError(reader.error_text())
    return Staged(reader.count, reader.header)


def batches(session: Session, staged: Staged) -> Iterator[Sequence[RowMapping]]:
    """Yield the staged products in the order of their ids, from a server-side cursor."""
    source = plain_table("staged", *(column(name) for name in staged.columns))
    query = select(source).order_by(source.c.id)
    result = session.execute(query, execution_options={"yield_per": BATCH})
    yield from result.mappings().partitions()
    session.execute(text("DROP TABLE staged"))


def write(session: Session, batch: Sequence[RowMapping]) -> None:
    """Insert or update products, and put retired products of the batch on sale again.

    A column that the batch does not have keeps its value. Orders lock products in the same order
    of ids, which prevents deadlocks.
    """
    statement = insert(products)
    values = {name: statement.excluded[name] for name in batch[0] if name not in {"id", "stock"}}
    upsert = statement.on_conflict_do_update(
        index_elements=[products.c.id],
        set_={
            **values,
            "retired_at": None,
            "version": products.c.version + 1,
            "updated_at": func.now(),
        },
    )
    # The upsert locks the products and returns their old stock, which is 0 for a new product.
    old = upsert.returning(products.c.id, products.c.stock, products.c.version)
    rows = session.execute(old, [{**row, "stock": 0} for row in batch]).all()
    before = {row.id: row.stock for row in rows}
    changes = {row.id: row.stock - before[row.id] for row in batch}
    units = {key: change for key, change in changes.items() if change}
    stock.add(session, units, StockReason.IMPORT)
    events.record_all(session, [_event(row) for row in rows])


def _event(row: Row[Any]) -> dict[str, Any]:
    is_new = row.version == 1
    event_type = EventType.PRODUCT_CREATED if is_new else EventType.PRODUCT_UPDATED
    return events.values(event_type, row.id, row.version, Actor())


CREATE_STAGED = """
    CREATE TEMPORARY TABLE staged (
        line bigint, id text, name text, price bigint, currency text, stock bigint, description text
    ) ON COMMIT DROP"""

COPY = f"COPY staged (line, {', '.join(COLUMNS)}) FROM STDIN"

DUPLICATES = """
    SELECT line, id, first FROM (
        SELECT line, id, min(line) OVER (PARTITION BY id) AS first FROM staged
    ) AS lines WHERE line > first ORDER BY line LIMIT :most"""
