"""Consistency of the repository: source, README, docs, Makefile and version."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from app.version import __version__
from tools import readme

ROOT = Path(__file__).parents[3]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
SOURCE = ["app", "commands", "resources", "schemas", "services", "models", "alembic", "tools"]


def sources():
    return [path for folder in SOURCE for path in (ROOT / folder).rglob("*.py")]


class TestSource:
    def test_no_file_is_over_250_lines(self):
        files = {*sources(), *(ROOT / "tests").rglob("*.py")}
        generated = set((ROOT / "alembic" / "versions").glob("*.py"))

        long = [path for path in files - generated if len(path.read_text().splitlines()) > 250]
        assert long == []

    def test_only_settings_read_the_environment(self):
        readers = {
            str(path.relative_to(ROOT))
            for path in sources()
            if "os.environ" in path.read_text() or "getenv" in path.read_text()
        }

        # tools/service.py passes the environment on to the server; tools/new.py to its commands.
        # The samples show how a client reads its token.
        allowed = {"app/settings/files.py", "app/openapi/samples.py"}
        assert readers - allowed <= {"tools/service.py", "tools/new.py"}

    def test_a_noun_has_one_file_name_everywhere(self):
        resources = {path.name for path in (ROOT / "resources").glob("[a-z]*.py")}
        # Add resources without a table here.
        with_tables = resources - {"account_recovery.py", "docs.py", "health.py"}

        for folder in ("schemas", "services", "models"):
            assert with_tables <= {path.name for path in (ROOT / folder).glob("*.py")}
        tests = {path.name.removeprefix("test_") for path in ROOT.glob("tests/api/**/test_*.py")}
        assert resources <= tests


class TestReadme:
    def test_table_of_settings_is_current(self):
        assert readme.readme() == (ROOT / "README.md").read_text(), "make docs writes it"


class TestDocs:
    def test_index_has_every_guide(self):
        index = (ROOT / "docs" / "README.md").read_text()

        for reader in ("consumers", "operators", "developers"):
            for guide in (ROOT / "docs" / reader).glob("*.md"):
                assert f"({reader}/{guide.name})" in index, guide.name


class TestDependabot:
    """Dependabot does not follow links or search subfolders."""

    @pytest.mark.parametrize(
        ("ecosystems", "name", "pin"),
        [
            ({"npm"}, "package-lock.json", '"version":'),
            ({"docker"}, "Dockerfile", "^FROM "),
            ({"docker-compose"}, "compose.yaml", "image: .*:"),
            ({"uv", "pip"}, "*.txt", r"^[\w\[\]-]+==\d"),
        ],
    )
    def test_dependabot_covers_each_folder_with_pinned_versions(self, ecosystems, name, pin):
        places = ("", "[!.]*/", "[!.]*/[!.]*/")
        files = [f for place in places for f in ROOT.glob(place + name) if not f.is_symlink()]
        pinned = [file for file in files if re.search(pin, file.read_text(), re.MULTILINE)]

        assert pinned
        folders = {f"/{file.parent.relative_to(ROOT)}".removesuffix("/.") or "/" for file in pinned}
        assert folders == set(self.folders(ecosystems))

    @staticmethod
    def folders(ecosystems):
        updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
        for update in updates:
            if update["package-ecosystem"] in ecosystems:
                yield from update.get("directories") or [update["directory"]]


class TestMakefile:
    """A target is a rule that creates no file."""

    makefile = (ROOT / "Makefile").read_text() + (ROOT / "clients" / "clients.mk").read_text()
    targets = frozenset(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))

    def test_targets_are_phony(self):
        declared = " ".join(re.findall(r"^\.PHONY: (.*)$", self.makefile, re.MULTILINE)).split()
        assert {name for name in declared if "/" not in name} == self.targets

    def test_help_lists_every_main_target(self):
        rules = r"^(?:[a-z][a-z-]*:|[A-Z]+ :=)([^#\n]*)"  # a variable may hold prerequisites
        needed = re.findall(rules, self.makefile, re.MULTILINE)
        parts = set(re.split(r"[\s,()]+", " ".join(needed)))

        told = subprocess.check_output(["make"], cwd=ROOT, text=True)

        printed = set(re.findall(r"^  make ([a-z-]+) +\S", told, re.MULTILINE))
        assert printed >= self.targets - parts
        assert printed <= self.targets


class TestVersion:
    def test_version_is_the_same_everywhere(self, document):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        attribute = project["tool"]["setuptools"]["dynamic"]["version"]["attr"]
        chart = (ROOT / "helm" / "Chart.yaml").read_text()
        newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", CHANGELOG, re.MULTILINE)

        assert "version" in project["project"]["dynamic"]
        assert attribute == "app.version.__version__"
        assert document["info"]["version"] == __version__
        assert (
            re.findall(r'^(?:appV|v)ersion: "?([^"\n]*)', chart, re.MULTILINE) == [__version__] * 2
        )
        assert newest[1] == __version__

    def test_every_version_of_the_changelog_has_a_date(self):
        versions = re.findall(r"^## \[\d[^]]*\](.*)$", CHANGELOG, re.MULTILINE)

        assert versions
        assert all(re.fullmatch(r" - \d{4}-\d\d-\d\d", day) for day in versions)


class TestPlainCommands:
    def test_readme_has_the_commands_of_make_lint(self):
        makefile = subprocess.run(
            ["make", "-n", "lint"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout

        for tool in ("ruff check", "black --check", "mypy", "lint-imports"):
            assert tool in makefile
            assert tool.split()[0] in (ROOT / "README.md").read_text()


class TestSecurity:
    def test_tests_named_in_the_table_exist(self):
        named = re.findall(r"`(tests/[\w/*.]+)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text())

        assert named
        for path, name in named:
            files = list(ROOT.glob(path))
            assert files, path
            assert any(f"class {name}" in file.read_text() for file in files) or not name
