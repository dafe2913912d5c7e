"""What is promised of the repository itself."""

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).parent.parent
SOURCE = ["app", "resources", "schemas", "services", "models", "alembic", "tools"]


def sources():
    return [path for folder in SOURCE for path in (ROOT / folder).rglob("*.py")]


class TestSource:
    @pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
    def test_no_file_is_over_250_lines(self, path):
        assert len(path.read_text().splitlines()) <= 250

    def test_only_settings_read_the_environment(self):
        readers = {
            str(path.relative_to(ROOT))
            for path in sources()
            if "os.environ" in path.read_text() or "getenv" in path.read_text()
        }

        assert readers == {"app/settings.py"}

    def test_a_noun_has_one_file_name_everywhere(self):
        resources = {path.name for path in (ROOT / "resources").glob("[a-z]*.py")}
        nouns = resources - {"docs.py", "health.py"}

        for folder in ("schemas", "services", "models"):
            assert nouns <= {path.name for path in (ROOT / folder).glob("*.py")}
        tests = {path.name.removeprefix("test_") for path in ROOT.glob("tests/resources/*.py")}
        assert resources <= tests


class TestReadme:
    def test_the_table_of_settings_is_that_of_the_code(self):
        rows = []
        for field in dataclasses.fields(Settings):
            default = str(field.default) if field.default not in ("", ()) else ""
            shown = f"`{default.lower() if field.type == 'bool' else default}`" if default else ""
            name = field.name.upper()
            rows.append(f"| `{name}` | {shown} | {field.metadata['description']} |")

        assert "\n".join(rows) in (ROOT / "README.md").read_text()


class TestPlainCommands:
    def test_the_pieces_of_lint_are_the_commands_of_the_readme(self):
        makefile = subprocess.run(
            ["make", "-n", "lint"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout

        for tool in ("ruff check", "black --check", "mypy", "lint-imports"):
            assert tool in makefile
            assert tool.split()[0] in (ROOT / "README.md").read_text()


class TestSecurity:
    def test_every_test_that_the_table_names_is_there(self):
        named = re.findall(r"`(tests/[\w/*.]+)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text())

        assert named
        for path, name in named:
            files = list(ROOT.glob(path))
            assert files, path
            assert any(f"class {name}" in file.read_text() for file in files) or not name
