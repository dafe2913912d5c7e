"""Links in the docs: each file and each heading exists."""

import re
import subprocess

import pytest

from tests.support.servers import ROOT

# The links of served guides are URLs; tests/api follows them.
FILES = ["*.md", ":!app/templates"]
LISTED = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FILES]
PAGES = sorted(subprocess.check_output(LISTED, cwd=ROOT, text=True).split())
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"\]\(([^)\s]+)\)")
REFERENCE = re.compile(r"^\[[^]]+\]: (\S+)$", re.MULTILINE)
PICTURE = re.compile(r'(?:src|srcset|href)="([^"]+)"')
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
OUTSIDE = ("http://", "https://", "mailto:")


def links(page: str) -> list[str]:
    text = CODE.sub("", page)
    return [*INLINE.findall(text), *REFERENCE.findall(text), *PICTURE.findall(text)]


def anchors(page: str) -> set[str]:
    """Return GitHub's anchors for the headings of a page."""
    fences_out = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(fences_out)
    }


def broken(path: str) -> list[str]:
    """Return the broken links of a page."""
    here = (ROOT / path).parent
    bad = []
    for link in links((ROOT / path).read_text()):
        if link.startswith(OUTSIDE):
            continue
        file, _, anchor = link.partition("#")
        target = (here / file) if file else ROOT / path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            bad.append(link)
    return bad


@pytest.mark.parametrize("path", PAGES)
def test_links_resolve(path):
    assert broken(path) == []


def test_broken_links_are_found(tmp_path, monkeypatch):
    text = "# A page\n[a](none.md) [b](#no) ![c](no.png) [d](#a-page) `[e](code.md)`\n"
    (tmp_path / "page.md").write_text(text + '[f]: gone.md\n<img src="g.png">\n')
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)

    assert broken("page.md") == ["none.md", "#no", "no.png", "gone.md", "g.png"]
