"""Products from a CSV file, by COPY: all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.product_csv import MAX_ERRORS, Reader


class BadFileError(Exception):
    """The text names the bad lines by number."""


def run(session: Session, file: BinaryIO, progress: Callable[[int], None]) -> int:
    """Import `file` (UTF-8, with a header), and return how many products it has.

    Products that are there already get the new values, and retired ones come back; without a column
    of descriptions they keep theirs. The memory used doesn't grow with the file. `progress` is
    called with the number of bytes read since the last call.

    Raises:
        BadFileError: lines can't be understood, or name a product twice.
    """
    session.execute(text("SET LOCAL statement_timeout = 0"))
    session.execute(text(STAGING))
    reader = Reader(file, progress)
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor:
        cursor.copy_expert(COPY, reader)
    for row in session.execute(text(TWICE), {"most": MAX_ERRORS}):
        reader.bad(row.line, f"{row.id} is in line {row.first} already")
    if reader.errors:
        raise BadFileError(reader.told())
    session.execute(text(MERGE), {"described": "description" in reader.header})
    session.execute(text("DROP TABLE staged"))
    return reader.count


STAGING = """
    CREATE TEMPORARY TABLE staged (
        line bigint, id text, name text, price bigint, currency text, stock bigint, description text
    )"""

COPY = "COPY staged (line, id, name, price, currency, stock, description) FROM STDIN"

TWICE = """
    SELECT line, id, first FROM (
        SELECT line, id, min(line) OVER (PARTITION BY id) AS first FROM staged
    ) AS lines WHERE line > first ORDER BY line LIMIT :most"""

# In order of id, as orders lock them: neither can deadlock the other.
MERGE = """
    INSERT INTO products AS p (id, name, price, currency, stock, description)
    SELECT id, name, price, currency, stock, description FROM staged ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, price = excluded.price, currency = excluded.currency,
        stock = excluded.stock, retired_at = NULL, version = p.version + 1, updated_at = now(),
        description = CASE WHEN :described THEN excluded.description ELSE p.description END"""
