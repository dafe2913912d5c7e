"""docs/api-changelog.md, made of the OpenAPI documents of all versions; and the rule they follow.

A released version keeps its document as docs/api/VERSION.json; with the argument `release` the
current one is put there.
"""

import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from tools.api_changes import Change, changes

DOCS = Path(__file__).parent.parent / "docs"
CURRENT, RELEASED, CHANGELOG = DOCS / "openapi.json", DOCS / "api", DOCS / "api-changelog.md"
HEAD = """\
# What has changed in the API

Made by `make openapi` from the OpenAPI documents of the versions in [api](api). A change that
breaks a client comes with a new major version only;
[decision 20](decisions/0020-what-breaks-a-client.md) says what that is.
"""


def main(*arguments: str) -> int:
    released, current = released_documents(), _read(CURRENT)
    broken = breaks(released[-1], current)
    if arguments == ("release",) and not broken:
        shutil.copyfile(CURRENT, RELEASED / f"{current['info']['version']}.json")
        released = released_documents()
    CHANGELOG.write_text(changelog(released, current))
    for change in broken:
        print(f"{change.where}: {change.what}", file=sys.stderr)
    if broken:
        print("This breaks clients: it needs a new major version.", file=sys.stderr)
    return 1 if broken else 0


def released_documents() -> list[dict[str, Any]]:
    """Those of all versions that were released, the oldest first."""
    return sorted(map(_read, RELEASED.glob("*.json")), key=_version)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def _version(document: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(part) for part in document["info"]["version"].split("."))


def breaks(released: dict[str, Any], current: dict[str, Any]) -> list[Change]:
    """What would break the clients of the released version, and has no major version for it."""
    if _version(current)[0] > _version(released)[0]:
        return []
    return [change for change in changes(released, current) if change.breaks]


def changelog(released: list[dict[str, Any]], current: dict[str, Any]) -> str:
    first = released[0]
    parts = [f"## {first['info']['version']}\n\nThe first version.\n"]
    for before, after in pairwise(released):
        parts.append(_section(after["info"]["version"], changes(before, after)))
    if coming := changes(released[-1], current):
        parts.append(_section("Not released yet", coming))
    return "\n".join([HEAD, *reversed(parts)])


def _section(title: str, found: list[Change]) -> str:
    lines = [
        f"- {'**Breaks clients.** ' if change.breaks else ''}{change.where}: {change.what}."
        for change in found
    ]
    return "\n".join([f"## {title}", "", *(lines or ["Nothing that a client can notice."]), ""])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
