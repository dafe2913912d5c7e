"""Products from a CSV file, by COPY: all of it or nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.products import MAX_PRICE, MAX_STOCK
from models.types import PRODUCT_ID

REQUIRED = ("id", "name", "price", "currency", "stock")
COLUMNS = (*REQUIRED, "description")
MAX_ERRORS = 20
# A product takes 12 KB at most. What has no line ends must not be read into memory whole.
MAX_LINE = 100_000
WHOLE = re.compile(r"[0-9]{1,10}")
CURRENCY = re.compile(r"[A-Z]{3}")


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


class Reader:
    """The CSV file as psycopg2 wants to read it for COPY: text, a piece at a time.

    It raises nothing, because an exception would not survive the way through libpq: what is wrong
    is in `errors`, by line.
    """

    def __init__(self, file: BinaryIO, progress: Callable[[int], None]) -> None:
        self.errors: dict[int, str] = {}
        self.header: list[str] = []
        self.count = 0
        self._file = file
        self._progress = progress
        self._rows = self._copy_lines()

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

    def bad(self, line: int, problem: str) -> None:
        self.errors.setdefault(line, problem)

    def told(self) -> str:
        """The first errors, a line each."""
        told = [f"line {line}: {self.errors[line]}" for line in sorted(self.errors)]
        more = ["…and perhaps more"] if len(told) >= MAX_ERRORS else []
        return "\n".join(told[:MAX_ERRORS] + more)

    def _copy_lines(self) -> Iterator[str]:
        for line, values in self._records():
            if not self.header:
                self.header = values
                if problem := header_fault(values):
                    self.bad(line, problem)
                    return
            elif problem := fault(values, self.header):
                self.bad(line, problem)
            else:
                self.count += 1
                given = dict(zip(self.header, values, strict=True))
                fields = (str(line), *(given.get(column, "") for column in COLUMNS))
                yield "\t".join(map(escaped, fields)) + "\n"
        if not self.header:
            self.bad(1, "the file is empty")

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """The records that aren't blank, each with the number of its first line."""
        reader = csv.reader(self._lines(), strict=True)
        line = 1
        try:
            for values in reader:
                if values:
                    yield line, values
                if len(self.errors) >= MAX_ERRORS:
                    return
                line = reader.line_num + 1
        except csv.Error as error:
            self.bad(line, str(error))

    def _lines(self) -> Iterator[str]:
        number = 0
        while line := self._file.readline(MAX_LINE):
            number += 1
            self._progress(len(line))
            if len(line) == MAX_LINE:
                self.bad(number, f"longer than {MAX_LINE} bytes")
                return
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                self.bad(number, "not UTF-8")
                yield line.decode(errors="replace")


def header_fault(names: Sequence[str]) -> str | None:
    """What is wrong with the header, or None."""
    if missing := [name for name in REQUIRED if name not in names]:
        return f"no column {', '.join(missing)}"
    if unknown := [repr(name) for name in names if name not in COLUMNS]:
        return f"unknown column {', '.join(unknown)}"
    if len(set(names)) < len(names):
        return "a column is there twice"
    return None


def fault(values: Sequence[str], header: Sequence[str]) -> str | None:
    """What is wrong with a record, or None."""
    if len(values) != len(header):
        return f"has {len(values)} fields, the header has {len(header)}"
    row = dict(zip(header, values, strict=True))
    checks = {
        "id: 1 to 64 of A-Z, a-z, 0-9, _ and -": PRODUCT_ID.fullmatch(row["id"]),
        "name: 1 to 200 characters": 1 <= len(row["name"]) <= 200,
        f"price: 0 to {MAX_PRICE}, minor units": _whole(row["price"], MAX_PRICE),
        "currency: three capital letters": CURRENCY.fullmatch(row["currency"]),
        f"stock: 0 to {MAX_STOCK}": _whole(row["stock"], MAX_STOCK),
        "description: at most 2000 characters": len(row.get("description", "")) <= 2000,
        "has a NUL character": not any("\0" in value for value in values),
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
