"""`make docs`: the guides that the service serves, from docs/consumers/."""

import re
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

from app.openapi.search import anchor
from resources import GUIDES

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "docs" / "consumers"
FOLDER = ROOT / "app" / "templates" / "guides"
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
SCRIPT = re.compile(r"^- \[(\w+)\]\((\w+\.(?:py|ts))\)$", re.MULTILINE)
# The server in the examples; the service replaces it with its own URL.
LOCAL = "http://localhost:5000"
TEMPLATE = """\
{{% extends "page.html" %}}
{{% block title %}}{title}{{% endblock %}}
{{% block main %}}
{html}{{% endblock %}}
"""


def html(slug: str) -> str:
    """Return the HTML template of a guide."""
    text = _markdown(slug, suffix="")
    title = text.partition("\n")[0].removeprefix("# ")
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for opening, heading in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            opening.attrSet("id", anchor(heading.content))
    rendered = parser.renderer.render(tokens, parser.options, {})
    return TEMPLATE.format(title=title, html=_template(rendered))


def markdown(slug: str) -> str:
    """Return the Markdown template of a guide."""
    return _template(_markdown(slug, suffix=".md"))


def _markdown(slug: str, suffix: str) -> str:
    """Return a guide with the code of its scripts, and with links to the served guides."""
    text = SCRIPT.sub(_script, (SOURCE / f"{slug}.md").read_text())
    return LINK.sub(lambda match: _link(match, suffix), text)


def _script(match: re.Match[str]) -> str:
    language, name = match.groups()
    return f"```{language.lower()}\n{(SOURCE / name).read_text()}```\n"


def _link(match: re.Match[str], suffix: str) -> str:
    """Return a link to the served guide, or only the text if the service has no such guide."""
    text, target = match.groups()
    if target.startswith("https:"):
        return match[0]
    slug = target.removesuffix(".md")
    return f"[{text}](/api/docs/guides/{slug}{suffix})" if slug in GUIDES else text


def _template(text: str) -> str:
    """Return a template of the text, with the URL of the server as its only variable."""
    inserted = text.replace(LOCAL, "{% endraw %}{{ server }}{% raw %}")
    return f"{{% raw %}}{inserted}{{% endraw %}}\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for slug in GUIDES:
        (FOLDER / f"{slug}.html").write_text(html(slug))
        (FOLDER / f"{slug}.md").write_text(markdown(slug))


if __name__ == "__main__":
    main()
