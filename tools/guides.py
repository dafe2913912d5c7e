"""`make docs`: the guides that the service serves, from docs/consumers/."""

import re
from pathlib import Path

from markdown_it import MarkdownIt

from resources import GUIDES

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "app" / "templates" / "guides"
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
TEMPLATE = """\
{{% extends "page.html" %}}
{{% block title %}}{title}{{% endblock %}}
{{% block main %}}
{{% raw %}}
{html}{{% endraw %}}
{{% endblock %}}
"""


def guide(slug: str) -> str:
    """Return the template of a guide."""
    markdown = LINK.sub(_link, (ROOT / "docs" / "consumers" / f"{slug}.md").read_text())
    title = markdown.partition("\n")[0].removeprefix("# ")
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return TEMPLATE.format(title=title, html=html)


def _link(match: re.Match[str]) -> str:
    """Return a link to the served page; without a served page, return only the text."""
    text, target = match.groups()
    if target.startswith("https:"):
        return match[0]
    slug = target.removesuffix(".md")
    return f"[{text}](/api/docs/guides/{slug})" if slug in GUIDES else text


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for slug in GUIDES:
        (FOLDER / f"{slug}.html").write_text(guide(slug))


if __name__ == "__main__":
    main()
