"""Products from a CSV file, by COPY: all of it or nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.products import MAX_PRICE, MAX_STOCK
from models.types import PRODUCT_ID

REQUIRED = ("id", "name", "price", "currency", "stock")
COLUMNS = (*REQUIRED, "description")
MAX_ERRORS = 20
WHOLE = re.compile(r"[0-9]{1,10}")
CURRENCY = re.compile(r"[A-Z]{3}")


class BadFile(Exception):
    """The text names the bad lines by number."""


def run(session: Session, file: BinaryIO, progress: Callable[[int], None]) -> int:
    """Import `file` (UTF-8, with a header), and return how many products it has.

    Products that are there already get the new values; the memory used doesn't grow with the file.
    `progress` is called with the number of bytes read since the last call.

    Raises:
        BadFile: lines can't be understood, or name a product twice.
    """
    session.execute(text(STAGING))
    reader = Reader(file, progress)
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY staged ({', '.join(('line', *COLUMNS))}) FROM STDIN", reader)
    if reader.errors:
        raise BadFile("\n".join(reader.errors))
    twice = session.execute(text(TWICE)).all()
    if twice:
        raise BadFile("\n".join(f"line {row.line}: {row.id} is there twice" for row in twice))
    session.execute(text(MERGE))
    return reader.count


class Reader:
    """The CSV file as psycopg2 wants to read it for COPY: text, a piece at a time."""

    def __init__(self, file: BinaryIO, progress: Callable[[int], None]) -> None:
        self.errors: list[str] = []
        self.count = 0
        self._progress = progress
        self._rows = self._copy_lines(csv.DictReader(self._lines(file), strict=True))

    def read(self, size: int) -> str:
        """About `size` characters; '' at the end."""
        piece: list[str] = []
        length = 0
        for line in self._rows:
            piece.append(line)
            length += len(line)
            if length >= size:
                break
        return "".join(piece)

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        for number, line in enumerate(file, 1):
            self._progress(len(line))
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise BadFile(f"line {number}: not UTF-8") from None

    def _copy_lines(self, reader: csv.DictReader[str]) -> Iterator[str]:
        names = set(reader.fieldnames or ())
        if missing := set(REQUIRED) - names:
            raise BadFile(f"line 1: no column {', '.join(sorted(missing))}")
        if unknown := names - set(COLUMNS):
            raise BadFile(f"line 1: unknown column {', '.join(sorted(unknown))}")
        for row in self._parsed(reader):
            problem = fault(row)
            if problem is None:
                self.count += 1
                values = (row.get(column) or "" for column in COLUMNS)
                yield "\t".join([str(reader.line_num), *map(escaped, values)]) + "\n"
            else:
                self.errors.append(f"line {reader.line_num}: {problem}")
            if len(self.errors) == MAX_ERRORS:
                raise BadFile("\n".join([*self.errors, "…and perhaps more"]))

    @staticmethod
    def _parsed(reader: csv.DictReader[str]) -> Iterator[dict[str | None, Any]]:
        try:
            yield from reader  # type: ignore[misc]
        except csv.Error as error:
            raise BadFile(f"line {reader.line_num}: {error}") from None


def fault(row: dict[str | None, Any]) -> str | None:
    """What is wrong with a row, or None."""
    values = {name: row.get(name) or "" for name in COLUMNS}
    checks = {
        "has more fields than the header": None not in row,
        "id: 1 to 64 of A-Z, a-z, 0-9, _ and -": PRODUCT_ID.fullmatch(values["id"]),
        "name: 1 to 200 characters": 1 <= len(values["name"]) <= 200,
        f"price: 0 to {MAX_PRICE}, minor units": _whole(values["price"], MAX_PRICE),
        "currency: three capital letters": CURRENCY.fullmatch(values["currency"]),
        f"stock: 0 to {MAX_STOCK}": _whole(values["stock"], MAX_STOCK),
        "description: at most 2000 characters": len(values["description"]) <= 2000,
        "has a NUL character": not any("\0" in value for value in values.values()),
    }
    return next((text for text, good in checks.items() if not good), None)


def _whole(value: str, most: int) -> bool:
    return bool(WHOLE.fullmatch(value)) and int(value) <= most


def escaped(value: str) -> str:
    """A value in COPY's text format."""
    for plain, code in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(plain, code)
    return value


STAGING = """
    CREATE TEMPORARY TABLE staged (
        line bigint, id text, name text, price bigint, currency text, stock bigint, description text
    ) ON COMMIT DROP"""

TWICE = """
    SELECT max(line) AS line, id FROM staged GROUP BY id HAVING count(*) > 1 ORDER BY 1 LIMIT 20"""

MERGE = """
    INSERT INTO products AS p (id, name, price, currency, stock, description)
    SELECT id, name, price, currency, stock, description FROM staged ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, price = excluded.price, currency = excluded.currency,
        stock = excluded.stock, description = excluded.description, retired_at = NULL,
        version = p.version + 1, updated_at = now()"""
