"""`make openapi`: docs/consumers/api-changelog.md, and the check for breaking changes.

docs/api/VERSION.json is the OpenAPI document of a release. With the argument `release`, this
command writes the document of the current version.
"""

import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path

from packaging.version import Version

from tools.api_changes import Change, changes
from tools.comparison import Object

DOCS = Path(__file__).parent.parent / "docs"
CURRENT, RELEASED = DOCS / "openapi.json", DOCS / "api"
CHANGELOG = DOCS / "consumers" / "api-changelog.md"
HEAD = """\
# API changelog

`make openapi` writes this page from the [OpenAPI documents](../api) of all versions. A breaking
change needs a new major version ([decision 18](../decisions/0018-breaking-changes.md)).
"""


def main(*arguments: str) -> int:
    released, current = released_documents(), _read(CURRENT)
    kept = RELEASED / f"{current['info']['version']}.json"
    if found := breaks(released, current):
        return _refused([change.what for change in found], "This needs a new major version.")
    if arguments == ("release",):
        if kept.exists() and _read(kept) != current:
            return _refused([], f"docs/api/{kept.name} differs: a change needs another version.")
        shutil.copyfile(CURRENT, kept)
    CHANGELOG.write_text(changelog(released_documents(), current))
    return 0


def _refused(found: list[str], reason: str) -> int:
    print(*found, reason, sep="\n", file=sys.stderr)
    return 1


def released_documents() -> list[Object]:
    """Return the documents of all released versions, oldest first."""
    return sorted(map(_read, RELEASED.glob("*.json")), key=_version)


def _read(path: Path) -> Object:
    return json.loads(path.read_text())


def _version(document: Object) -> Version:
    return Version(document["info"]["version"])


def breaks(released: list[Object], current: Object) -> list[Change]:
    """Return the breaking changes since the last release, unless the major version is new."""
    if not released or _version(current).major > _version(released[-1]).major:
        return []
    return [change for change in changes(released[-1], current) if change.breaks]


def changelog(released: list[Object], current: Object) -> str:
    parts = [f"## {first['info']['version']}\n\nThe first version.\n" for first in released[:1]]
    for before, after in pairwise(released):
        parts.append(_section(after["info"]["version"], changes(before, after)))
    if released and (coming := changes(released[-1], current)):
        parts.append(_section("Not released yet", coming))
    return "\n".join([HEAD, *reversed(parts)])


def _section(title: str, found: list[Change]) -> str:
    lines = [
        f"- {'**Breaks clients.** ' if change.breaks else ''}{change.what}." for change in found
    ]
    return "\n".join([f"## {title}", "", *(lines or ["Nothing that a client can notice."]), ""])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
