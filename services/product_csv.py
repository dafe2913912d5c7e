"""CSV file of a product import: parser, checks and errors by line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from models.products import MAX_PRICE, MAX_STOCK
from models.types import PRODUCT_ID

REQUIRED = ("id", "name", "price", "currency", "stock")
COLUMNS = (*REQUIRED, "description")
MAX_ERRORS = 20
# In bytes; a product takes 12 KB at most. Without this limit, a file without line ends would fill
# the memory.
MAX_LINE = 100_000
INTEGER = re.compile(r"[0-9]{1,10}")
CURRENCY = re.compile(r"[A-Z]{3}")

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SEPARATED = "{} separate the columns; save the file with commas"
NOT_UTF_8 = "not UTF-8; save the file as CSV in UTF-8"
CR_ALONE = (
    "the lines end with carriage returns (CR) alone; save the file as CSV for Windows or Linux"
)
STRAY_CR = "a carriage return (CR) that is not part of a line end"
OPEN_QUOTE = 'a quote (") that opens a field is not closed'
STRAY_QUOTE = 'a quote (") inside a field; double it (""), and put the field in quotes'


class Reader:
    """A file object from which psycopg2 reads the products for COPY.

    The reader collects the errors by line in `errors`. It raises no exception, because libpq would
    lose the exception.
    """

    def __init__(self, file: BinaryIO, progress: Callable[[int], None]) -> None:
        self.errors: dict[int, str] = {}
        self.header: list[str] = []
        self.count = 0
        self._file = file
        self._progress = progress
        self._rows = self._copy_lines()
        self._text = ""  # the last line that was read

    def read(self, size: int) -> str:
        """Return about `size` characters; '' at the end."""
        piece: list[str] = []
        length = 0
        for line in self._rows:
            piece.append(line)
            length += len(line)
            if length >= size:
                break
        return "".join(piece)

    def add_error(self, line: int, problem: str) -> None:
        self.errors.setdefault(line, problem)

    def error_text(self) -> str:
        """Return the first errors, one per line."""
        lines = [f"line {line}: {self.errors[line]}" for line in sorted(self.errors)]
        more = ["…and possibly more"] if len(lines) >= MAX_ERRORS else []
        return "\n".join(lines[:MAX_ERRORS] + more)

    def _copy_lines(self) -> Iterator[str]:
        for line, values in self._records():
            if not self.header:
                self.header = values
                if problem := header_error(values):
                    self.add_error(line, problem)
                    return
            elif problem := row_error(values, self.header):
                self.add_error(line, problem)
            else:
                self.count += 1
                given = dict(zip(self.header, values, strict=True))
                fields = (str(line), *(given.get(column, "") for column in COLUMNS))
                yield "\t".join(map(escaped, fields)) + "\n"
        if not self.header and not self.errors:
            self.add_error(1, "the file is empty")

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record that is not blank, with the number of its first line."""
        reader = csv.reader(self._lines(), strict=True)
        line = 1
        try:
            for values in reader:
                if any(value.strip() for value in values):
                    yield line, values
                if len(self.errors) >= MAX_ERRORS:
                    return
                line = reader.line_num + 1
        except csv.Error as error:
            self.add_error(line, csv_error(error, self._text, in_header=not self.header))

    def _lines(self) -> Iterator[str]:
        number = 0
        while line := self._file.readline(MAX_LINE):
            number += 1
            self._progress(len(line))
            if len(line) == MAX_LINE:
                only_cr = not self.header and b"\r" in line
                self.add_error(number, CR_ALONE if only_cr else f"longer than {MAX_LINE} bytes")
                return
            try:
                self._text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                self.add_error(number, NOT_UTF_8)
                self._text = line.decode(errors="replace")
            yield self._text


def csv_error(error: csv.Error, text: str, in_header: bool) -> str:
    """Return the error of a line that is not valid CSV."""
    if separator := re.search(r'"([;\t|])', text):
        return SEPARATED.format(SEPARATORS[separator[1]])
    if "new-line" in str(error):
        return CR_ALONE if in_header else STRAY_CR
    if "expected after" in str(error):
        return STRAY_QUOTE
    return OPEN_QUOTE  # at the end of the file, or at the field size limit of the csv module


def separator_error(values: Sequence[str]) -> str | None:
    """Return the error of a record with another separator than commas, or None."""
    found = [name for character, name in SEPARATORS.items() if character in values[0]]
    return SEPARATED.format(found[0]) if found and len(values) == 1 else None


def header_error(names: Sequence[str]) -> str | None:
    """Return the error of the header, or None."""
    if separated := separator_error(names):
        return separated
    if missing := [name for name in REQUIRED if name not in names]:
        return f"no column {', '.join(missing)}"
    if unknown := [repr(name) for name in names if name not in COLUMNS]:
        return f"unknown column {', '.join(unknown)}"
    if len(set(names)) < len(names):
        return "a column appears twice"
    return None


def row_error(values: Sequence[str], header: Sequence[str]) -> str | None:
    """Return the first error of a record, or None."""
    if len(values) != len(header):
        return separator_error(values) or f"has {len(values)} fields, the header has {len(header)}"
    row = dict(zip(header, values, strict=True))
    checks = {
        "id: 1 to 64 characters from A-Z, a-z, 0-9, _ and -": PRODUCT_ID.fullmatch(row["id"]),
        "name: 1 to 200 characters": 1 <= len(row["name"]) <= 200,
        f"price: 0 to {MAX_PRICE}, minor units": _is_integer(row["price"], MAX_PRICE),
        "currency: three capital letters": CURRENCY.fullmatch(row["currency"]),
        f"stock: 0 to {MAX_STOCK}": _is_integer(row["stock"], MAX_STOCK),
        "description: at most 2000 characters": len(row.get("description", "")) <= 2000,
        "has a NUL character": not any("\0" in value for value in values),
    }
    return next((text for text, good in checks.items() if not good), None)


def _is_integer(value: str, most: int) -> bool:
    return bool(INTEGER.fullmatch(value)) and int(value) <= most


def escaped(value: str) -> str:
    """Return a value in the text format of COPY."""
    for plain, code in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(plain, code)
    return value
