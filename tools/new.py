"""`make new NAME=acme DIR=../acme [WITHOUT=shop]`: write a renamed copy of the project.

tools/new.toml lists what a copy leaves out. The command fails if an entry matches nothing, or if
the copy still mentions a removed part. So the list stays complete.
"""

import filecmp
import keyword
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REMOVED = tomllib.loads((ROOT / "tools" / "new.toml").read_text())
VALID_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME = 20
LISTED = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
# `flask openapi write` requires these settings, but does not use them.
SETTINGS = (
    "FLASK_ENV=testing",
    "SECRET_KEY=unused",
    "DATABASE_URL=postgresql://localhost/unused",
)
# The commands that write the generated files, in this order.
GENERATED = (
    "-m flask openapi write docs/openapi.json",
    "-m tools.api_changelog release",
    "-m tools.guides",
    "-m tools.readme",
    "-m tools.chart_values",
)
FORMAT = ("-m ruff check --fix-only --quiet", "-m black --quiet")
NEXT = """Wrote {0}. Next:

  cd {0}
  make run
  make test

docs/developers/make-it-yours.md lists what to decide."""


def main(name: str, folder: str, without: str) -> None:
    """Write the copy.

    Args:
        name: Name of the distribution, the image and the chart.
        folder: The new folder of the copy.
        without: Part to leave out, `shop` or an empty string.

    Raises:
        SystemExit: An argument is invalid, or tools/new.toml is incomplete.
    """
    to = Path(folder).resolve()
    check_arguments(name, to, without)
    parts = ["template", *filter(None, [without])]
    write(to, name, parts)
    generate(to, first_migration=bool(without))
    subprocess.run(["git", "add", "--all"], cwd=to, check=True)
    if lines := list(mentions(to, parts)):
        sys.exit("\n".join([*lines, "These lines mention what was removed: see tools/new.toml."]))
    print(NEXT.format(to))


def check_arguments(name: str, to: Path, without: str) -> None:
    """Raise SystemExit if an argument is invalid."""
    reserved = {current_name(), *sys.stdlib_module_names, *keyword.kwlist}
    if not VALID_NAME.fullmatch(name) or len(name) > MAX_NAME or name in reserved:
        sys.exit(
            f"NAME is {name!r}; it needs up to {MAX_NAME} lower-case letters, digits and single "
            "hyphens, and must not be the name of a module of Python or of this project."
        )
    if without not in ("", *(part for part in REMOVED if part != "template")):
        sys.exit(f"WITHOUT is {without!r}; it can be shop, or absent.")
    if to.is_relative_to(ROOT) or (to.exists() and (not to.is_dir() or any(to.iterdir()))):
        sys.exit(f"DIR is {to}; it must be a new or empty folder outside of this project.")


def current_name() -> str:
    """Return the name of this project's distribution."""
    name: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    return name


def write(to: Path, name: str, parts: list[str]) -> None:
    """Write the renamed copy without the parts; `generate` then updates the generated files."""
    copy(to)
    for part in parts:
        remove(to, REMOVED[part])
    strip_marks(to, parts)
    rename(to, name)


def copy(to: Path) -> None:
    """Copy the project's files, committed or not, into a new repository."""
    for path in files(ROOT):
        target = to / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=to, check=True)


def remove(to: Path, part: dict[str, Any]) -> None:
    """Delete the files of a part, and edit the files that mention it.

    Raises:
        SystemExit: A pattern of tools/new.toml matches nothing.
    """
    for pattern in part["delete"]:
        delete(to, pattern)
    for name, edits in part["edit"].items():
        for pattern, replacement in edits:
            edit(to / name, pattern, replacement)


def delete(to: Path, pattern: str) -> None:
    """Delete the files and folders that match a glob."""
    paths = list(to.glob(pattern))
    if not paths:
        sys.exit(f"tools/new.toml: {pattern} matches no file.")
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def edit(path: Path, pattern: str, replacement: str) -> None:
    """Replace all matches of a regular expression in a file."""
    text, count = re.subn(pattern, replacement, path.read_text(), flags=re.MULTILINE)
    if not count:
        sys.exit(f"tools/new.toml: {pattern!r} matches nothing in {path.name}.")
    path.write_text(text)


def strip_marks(to: Path, parts: list[str]) -> None:
    """Delete the marked text of the removed parts, and all other marks."""
    removed = rf"(?s)^<!-- ({'|'.join(parts)}) -->\n.*?^<!-- /\1 -->\n\n?"
    marks = rf"^<!-- /?({'|'.join(REMOVED)}) -->\n"
    for path in to.glob("**/*.md"):
        text = re.sub(removed, "", path.read_text(), flags=re.MULTILINE)
        path.write_text(re.sub(marks, "", text, flags=re.MULTILINE))


def rename(to: Path, name: str) -> None:
    """Replace the name of the project in texts and in the names of files."""
    forms = dict(zip(spellings(current_name()), spellings(name), strict=True))
    old = re.compile("|".join(sorted(map(re.escape, forms), key=len, reverse=True)))
    for path in list(files(to)):
        text = path.read_text()
        path.write_text(old.sub(lambda match: forms[match[0]], text))
    for path in sorted(to.rglob("*"), reverse=True):
        if old.search(path.name):
            path.rename(path.with_name(old.sub(lambda match: forms[match[0]], path.name)))


def spellings(name: str) -> list[str]:
    """Return the forms of a name: acme-api, acme_api, AcmeApi, acmeapi, Acme API."""
    words = name.split("-")
    title = " ".join("API" if word == "api" else word.title() for word in words)
    pascal = "".join(word.title() for word in words)
    service = f"{title.removesuffix(' Service')} Service"
    return [name, name.replace("-", "_"), pascal, pascal.lower(), service, title]


def files(project: Path) -> Iterator[Path]:
    """Yield the files of a project, committed or not, without the PNG images."""
    names = subprocess.run(LISTED, cwd=project, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        path = project / name
        if path.is_file() and path.suffix != ".png":
            yield path


def generate(to: Path, *, first_migration: bool) -> None:
    """Format the code, and write the generated files.

    Args:
        first_migration: Whether one new migration replaces all others.
    """
    if first_migration:
        delete(to, "alembic/versions/*.py")
        run(to, "-m tools.migration first")
    names = " ".join(changed(to))
    run(to, *(f"{command} {names}" for command in FORMAT))
    delete(to, "docs/api/*.json")
    run(to, *GENERATED)


def changed(to: Path) -> Iterator[str]:
    """Yield the Python files of the copy that differ from those of this project."""
    for path in files(to):
        name = path.relative_to(to)
        original = ROOT / name
        same = original.is_file() and filecmp.cmp(path, original, shallow=False)
        if path.suffix == ".py" and not same:
            yield str(name)


def run(to: Path, *commands: str) -> None:
    """Run commands of Python in the copy."""
    for command in commands:
        arguments = ["env", *SETTINGS, sys.executable, *command.split()]
        subprocess.run(arguments, cwd=to, check=True)


def mentions(to: Path, parts: list[str]) -> Iterator[str]:
    """Yield the lines of the copy that mention the old name or a removed part."""
    foreign = re.compile(REMOVED["template"]["foreign"])
    patterns = [
        *map(re.escape, spellings(current_name())),
        *(REMOVED[p]["mentions"] for p in parts),
    ]
    removed = [re.compile(pattern) for pattern in patterns]
    for path in files(to):
        name = str(path.relative_to(to))
        lines = [] if foreign.match(name) else path.read_text().splitlines()
        for number, line in enumerate([name, *lines]):
            if any(pattern.search(line) for pattern in removed):
                yield f"{name}:{number}: {line.strip()[:160]}"


if __name__ == "__main__":
    main(*sys.argv[1:])
