"""Read the CSV file of a product import; errors are in the words of the file's author."""

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
# A product takes 12 KB at most. What has no line ends must not be read into memory whole.
MAX_LINE = 100_000
WHOLE = re.compile(r"[0-9]{1,10}")
CURRENCY = re.compile(r"[A-Z]{3}")

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SEPARATED = "{} separate the columns; save the file with commas"
NOT_UTF_8 = "not UTF-8; save the file as CSV in UTF-8"
CR_ALONE = (
    "the lines end with carriage returns (CR) alone; save the file as CSV for Windows or Linux"
)
STRAY_CR = "a carriage return (CR) that is not part of a line end"
OPEN_QUOTE = 'a quote (") that opens a field is not closed'
STRAY_QUOTE = 'a quote (") inside a field; write two (""), and quotes around the field'


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
        self._text = ""  # the last line that was read

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
        if not self.header and not self.errors:
            self.bad(1, "the file is empty")

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
            self.bad(line, csv_fault(error, self._text, in_header=not self.header))

    def _lines(self) -> Iterator[str]:
        number = 0
        while line := self._file.readline(MAX_LINE):
            number += 1
            self._progress(len(line))
            if len(line) == MAX_LINE:
                only_cr = not self.header and b"\r" in line
                self.bad(number, CR_ALONE if only_cr else f"longer than {MAX_LINE} bytes")
                return
            try:
                self._text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                self.bad(number, NOT_UTF_8)
                self._text = line.decode(errors="replace")
            yield self._text


def csv_fault(error: csv.Error, text: str, in_header: bool) -> str:
    """Return what is wrong with a line that is no CSV, for the author of the file."""
    if separator := re.search(r'"([;\t|])', text):
        return SEPARATED.format(SEPARATORS[separator[1]])
    if "new-line" in str(error):
        return CR_ALONE if in_header else STRAY_CR
    if "expected after" in str(error):
        return STRAY_QUOTE
    return OPEN_QUOTE  # the end of the file, or the longest field of the csv module


def separator_fault(values: Sequence[str]) -> str | None:
    """Return which other character separates the columns of a record without commas, or None."""
    found = [name for character, name in SEPARATORS.items() if character in values[0]]
    return SEPARATED.format(found[0]) if found and len(values) == 1 else None


def header_fault(names: Sequence[str]) -> str | None:
    """Return what is wrong with the header, or None."""
    if separated := separator_fault(names):
        return separated
    if missing := [name for name in REQUIRED if name not in names]:
        return f"no column {', '.join(missing)}"
    if unknown := [repr(name) for name in names if name not in COLUMNS]:
        return f"unknown column {', '.join(unknown)}"
    if len(set(names)) < len(names):
        return "a column is there twice"
    return None


def fault(values: Sequence[str], header: Sequence[str]) -> str | None:
    """Return what is wrong with a record, or None."""
    if len(values) != len(header):
        return separator_fault(values) or f"has {len(values)} fields, the header has {len(header)}"
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
