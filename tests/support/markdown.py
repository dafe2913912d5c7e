"""Code blocks of the documentation: find them, and apply them to a copy of the project."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^(?:Append to )?`([\w/.]+)`:$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block; `path` is the file that the page names before it."""

    language: str
    text: str
    path: str


def blocks(page: str) -> Iterator[Block]:
    """Return the code blocks of a page, in its order."""
    for fence in FENCE.finditer(page):
        named = NAMED.findall(page[: fence.start()])
        yield Block(fence[1], fence[2], named[-1] if named else "")


def section(page: str, heading: str) -> str:
    """Return the part of a page from a heading of the second level to the next one."""
    return page.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def edit(file: Path, diff: str) -> None:
    """Apply the changes of `diff`, whose hunks are separated by `@@`."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        _replace(file, hunk.splitlines())


def _replace(file: Path, hunk: list[str]) -> None:
    before, after = (
        "".join(f"{line[1:]}\n" for line in hunk if line[:1] in kept) for kept in (" -", " +")
    )
    text = file.read_text()
    assert text.count(before) == 1, f"{file.name} must contain this once:\n{before}"
    file.write_text(text.replace(before, after))


def append(file: Path, code: str) -> None:
    """Append a function to a module, or a method to the class at its end."""
    space = "\n" if code.startswith(" ") else "\n\n"
    file.write_text(file.read_text() + space + code)
