"""`make docs`: the table of values in the chart's README, from the comments of values.yaml.

A key with a comment `# --` above it gets one row with this comment. A key without such a comment
gets the rows of its nested keys.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent.parent / "helm"
MARK = "# -- "
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"


def rows() -> Iterator[tuple[str, Any, str]]:
    """Return the path, default and description of each value, in the order of the file."""
    text = (CHART / "values.yaml").read_text()
    root = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    yield from _rows(root, yaml.safe_load(text), text.splitlines(), "")


def _rows(
    node: yaml.MappingNode, values: dict[str, Any], lines: list[str], prefix: str
) -> Iterator[tuple[str, Any, str]]:
    for key, value in node.value:
        above = lines[key.start_mark.line - 1].strip()
        path = prefix + key.value
        if above.startswith(MARK):
            yield path, values[key.value], above.removeprefix(MARK)
        else:
            assert isinstance(value, yaml.MappingNode), f"{path} has no description"
            yield from _rows(value, values[key.value], lines, f"{path}.")


def table() -> str:
    lines = ["| Value | Default | What |", "|---|---|---|"]
    for path, default, description in rows():
        shown = "" if default == "" else f"`{json.dumps(default).strip(chr(34))}`"
        lines.append(f"| `{path}` | {shown} | {description} |")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """Return the README with the current table."""
    before, _, rest = (CHART / "README.md").read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    (CHART / "README.md").write_text(readme())
