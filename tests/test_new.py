"""docs/developers/make-it-yours.md: `make new` writes a copy that works."""

import re
import subprocess
from contextlib import contextmanager

import httpx
import pytest

from services.demo_users import ADMIN, ADMIN_PASSWORD
from tests.support.checkouts import copied, equipped, run, running
from tests.support.markdown import blocks
from tests.support.servers import BASE, ROOT, free_port

pytestmark = pytest.mark.checkout
PAGE = (ROOT / "docs" / "developers" / "make-it-yours.md").read_text()
NEW, CHECK = (block.text for block in blocks(PAGE))
OLD = re.compile("flask.?api", re.IGNORECASE)
# Texts of others.
FOREIGN = ("app/static/redoc/", "app/static/swagger-ui/")
SOME = "tests/unit/project tests/unit/app/test_cli.py tests/api/test_access.py"


@pytest.fixture(scope="module")
def environment():
    # mypy reads what it knows about the unchanged files.
    return {**BASE, "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache"), "PORT": str(free_port())}


@contextmanager
def made(environment, command):
    """Run `make new` in a copy of the checkout, and yield the folder that it writes."""
    with copied() as template:
        subprocess.run(["git", "init", "--quiet"], cwd=template, check=True)
        run(equipped(template), environment, command)
        yield equipped(template.parent / "acme")


@pytest.fixture(scope="module")
def acme(environment):
    """The copy of the page: without the shop."""
    with made(environment, NEW) as copy:
        yield copy


def mentions(copy):
    """The files that have the old name in their name or text."""
    names = run(copy, BASE, "git ls-files").splitlines()
    return [
        name
        for name in names
        if not name.startswith(FOREIGN) and OLD.search(name + (copy / name).read_text())
    ]


def test_no_file_mentions_the_old_name(acme):
    assert mentions(acme) == []


def test_whole_copy_with_a_long_name_does_not_mention_the_old_name_and_is_formatted(environment):
    command = "make new NAME=acme-billing-service DIR=../acme"

    with made(environment, command) as copy:
        assert mentions(copy) == []
        assert (copy / "models" / "orders.py").exists()
        run(copy, environment, ".venv/bin/ruff check . && .venv/bin/black --check .")


def test_lint_and_tests_succeed(acme, environment):
    run(acme, environment, CHECK)
    run(acme, environment, f".venv/bin/pytest -q -n 1 {SOME}")


def test_has_one_migration(acme):
    assert len(list((acme / "alembic" / "versions").glob("*.py"))) == 1


def test_serves_and_has_a_shell_and_new_administrators(acme, environment):
    with running(acme, environment) as client:
        assert client.get("/api/openapi.json").json()["info"]["title"] == "Acme Service"
        assert client.get("/api/orders").status_code == 404
        assert sign_in(client, ADMIN, ADMIN_PASSWORD).status_code == 200

        shell = f"echo 'print(session.scalar(select(User.email).filter_by(email=\"{ADMIN}\")))'"
        assert ADMIN in run(acme, environment, f"{shell} | make shell")

        password = "correct-Horse-7-battery"
        typed = f"printf '{password}\\n{password}\\n'"
        run(acme, environment, f"{typed} | make admin EMAIL=ada@example.com")
        assert sign_in(client, "ada@example.com", password).status_code == 200


def sign_in(client: httpx.Client, email: str, password: str) -> httpx.Response:
    return client.post("/api/auth/login", json={"email": email, "password": password})


@pytest.mark.nightly
def test_fast_tests_and_the_next_guide_succeed(acme, environment):
    run(acme, environment, ".venv/bin/pytest -q -n 2 tests/unit tests/api", seconds=1800)
    run(acme, environment, ".venv/bin/pytest -q tests/test_add_a_resource.py", seconds=1800)
