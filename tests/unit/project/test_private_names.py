"""Private names of libraries: each one is listed with its reason."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ["app", "commands", "resources", "schemas", "services", "models"]
# By the library that defines the name.
ALLOWED = {
    "flask_smorest": {
        # The pagination header's schema would be documented, although cursors replace it.
        "_register_pagination_header",
    },
    "apispec": set(),
    "marshmallow": {
        # The documented way to write a field.
        "_deserialize",
        # FastSchema refuses fields that dump in their own way, and hooks.
        "_serialize",
        "_hooks",
        # Integers are checked before they are converted: no 1.5, no "1", no true.
        "_validated",
    },
    "sqlalchemy": set(),
    "gunicorn": set(),
    "flask": set(),
    "werkzeug": set(),
}
PRIVATE = re.compile(r"_[a-z]\w*")


def sources():
    folders = (path for name in FOLDERS for path in (ROOT / name).rglob("*.py"))
    return [*folders, ROOT / "gunicorn.conf.py"]


def defined(tree):
    """Return the private names that a file defines itself."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    own = {node.name for node in nodes}
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    own |= {node.attr for node in assigned if isinstance(node.ctx, ast.Store)}
    return {name for name in own if PRIVATE.fullmatch(name)}


def used(tree):
    """Return the private attributes of objects other than `self`, and those of `super()`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr):
            own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            if not own:
                yield node.attr


def overridden(tree):
    """Return the private methods of subclasses of a library's class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.bases:
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and PRIVATE.fullmatch(method.name):
                    yield method.name


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_uses_no_other_private_name(path):
    tree = ast.parse(path.read_text())
    allowed = set().union(*ALLOWED.values())
    # A private method that its own class calls on `self` is the file's own.
    called = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }

    assert set(used(tree)) - defined(tree) <= allowed
    assert {name for name in overridden(tree) if name not in called} <= allowed


def test_number_of_private_names_is_bounded():
    assert len(ALLOWED["flask_smorest"] | ALLOWED["apispec"]) <= 6


@pytest.mark.parametrize("name", sorted(set().union(*ALLOWED.values())))
def test_each_listed_name_is_in_use(name):
    assert any(name in path.read_text() for path in sources())
