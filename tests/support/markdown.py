"""Pages of the documentation, read by machine: the code blocks that a reader would take over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^`([\w/.]+)`:$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block; `path` is the file that the page names before it."""

    language: str
    text: str
    path: str


def blocks(page: str) -> Iterator[Block]:
    """The code blocks of a page, in its order."""
    for fence in FENCE.finditer(page):
        named = NAMED.findall(page[: fence.start()])
        yield Block(fence[1], fence[2], named[-1] if named else "")


def section(page: str, heading: str) -> str:
    """The part of a page from a heading of the second level to the next one."""
    return page.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def edit(file: Path, diff: str) -> None:
    """Make the change that `diff` shows; what it takes as given must be there once."""
    lines = diff.splitlines()
    before, after = (
        "".join(f"{line[1:]}\n" for line in lines if line[:1] in kept) for kept in (" -", " +")
    )
    text = file.read_text()
    assert text.count(before) == 1, f"{file.name} has not, or not once:\n{before}"
    file.write_text(text.replace(before, after))
