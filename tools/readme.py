"""`make docs`: the README's table of settings, from `Settings`."""

import dataclasses
from pathlib import Path

from app.settings import Settings

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- settings: make docs writes them -->\n", "<!-- end of settings -->\n"


def table() -> str:
    lines = ["| Variable | Default | What |", "|---|---|---|"]
    for field in dataclasses.fields(Settings):
        value = field.default
        default = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        shown = f"`{default.lower() if field.type == 'bool' else default}`" if default else ""
        lines.append(f"| `{field.name.upper()}` | {shown} | {field.metadata['description']} |")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """Return the README with the current table."""
    before, _, rest = README.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(readme())
