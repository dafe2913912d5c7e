"""Search of the docs: sections of the guides, operations and problem types."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple, TypedDict

from apispec import APISpec

from app.errors.http_errors import TYPE_PREFIX
from app.openapi.problem_pages import kinds

# Maximum number of characters; the rest of a longer query is ignored.
MAX_QUERY = 100


class Entry(NamedTuple):
    """A section of a guide, an operation or a problem type."""

    title: str
    url: str
    text: str


class Result(TypedDict):
    title: str
    url: str
    excerpt: str


def search(entries: Iterable[Entry], query: str) -> list[Result]:
    """Return the entries that contain all words of the query, best matches of the title first."""
    words = query[:MAX_QUERY].casefold().split()
    found = [each for each in entries if words and _count(words, " ".join(each)) == len(words)]
    found.sort(key=lambda entry: -_count(words, entry.title))
    return [
        {"title": entry.title, "url": entry.url, "excerpt": _excerpt(entry, words)}
        for entry in found
    ]


def sections(url: str, markdown: str) -> Iterator[Entry]:
    """Yield a guide's introduction and its sections."""
    introduction, *parts = re.split(r"^## ", markdown, flags=re.MULTILINE)
    title, _, text = introduction.removeprefix("# ").partition("\n")
    yield Entry(title, url, text)
    for part in parts:
        heading, _, text = part.partition("\n")
        yield Entry(f"{title}: {heading}", f"{url}#{anchor(heading)}", text)


def anchor(heading: str) -> str:
    """Return the HTML `id` of a heading."""
    return re.sub("[^a-z0-9]+", "-", heading.lower()).strip("-")


@cache
def reference(spec: APISpec) -> list[Entry]:
    """Return the entries of the operations and of the problem types."""
    operations = [
        Entry(
            f"{method.upper()} {path}",
            f"/api/docs#/{operation['tags'][0]}/{operation['operationId']}",
            f"{operation['summary']}\n{operation['description']}\n{operation['operationId']}",
        )
        for path, item in spec.to_dict()["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]
    problems = [
        Entry(kind.title, TYPE_PREFIX + slug, f"{kind.detail}\n{kind.advice}\n{slug}")
        for slug, kind in kinds().items()
    ]
    return operations + problems


def _count(words: list[str], text: str) -> int:
    return sum(word in text.casefold() for word in words)


def _excerpt(entry: Entry, words: list[str]) -> str:
    """Return the line that contains the most words of the query, without Markdown syntax."""
    lines = [line for line in entry.text.splitlines() if re.search(r"\w", line)]
    best = max(lines, key=lambda line: _count(words, line), default="")
    plain = re.sub(r"\*\*|\[([^]]+)\]\([^)]*\)", r"\1", best.strip("|- "))
    return plain.replace(" | ", " · ")[:200]
