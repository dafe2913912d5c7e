"""docs/add-a-resource.md, followed word for word in the project as it came: it comes true."""

import json
import os
import re
import signal
import subprocess
from contextlib import contextmanager

import pytest

from tests.support.checkouts import copied, equipped
from tests.support.markdown import blocks, edit
from tests.support.servers import BASE, ROOT, free_port, wait_until_healthy

pytestmark = pytest.mark.checkout
PAGE = (ROOT / "docs" / "add-a-resource.md").read_text()
# The tests that look at everything there is, and so at what is new.
EVERYTHING = [
    "tests/api/test_access.py",
    "tests/api/test_api_changelog.py",
    "tests/api/test_openapi.py",
    "tests/api/test_openapi_reading.py",
    "tests/api/test_openapi_schemas.py",
    "tests/unit/project/test_repository.py",
    "tests/api/test_statements.py",
    "tests/system/test_migrations.py::TestModels",
    "tests/system/test_migrations.py::TestDowngrade",
    "tests/system/test_migrations.py::TestTraffic",
]


@pytest.fixture(scope="module")
def checkout():
    with copied() as copy:
        yield equipped(copy)


@pytest.fixture(scope="module")
def environment():
    port = free_port()
    # What mypy knows of the project's files it need not find out again.
    cache = {"MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")}
    return {**BASE, **cache, "PORT": str(port), "API": f"http://127.0.0.1:{port}/api"}


def run(checkout, environment, command):
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def running(checkout, environment):
    process = subprocess.Popen(
        ["make", "run"], cwd=checkout, env=environment, start_new_session=True
    )
    try:
        wait_until_healthy(environment["API"].removesuffix("/api"), process, seconds=120)
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def test_reader_has_a_new_resource_in_the_end(checkout, environment):
    *before, serve, look = blocks(PAGE)
    for block in before:
        if block.language == "bash":
            told = run(checkout, environment, block.text)
            assert "too long" not in told, block.text
        elif block.language == "diff":
            edit(checkout / block.path, block.text)
        else:
            assert not (checkout / block.path).exists(), block.path
            (checkout / block.path).write_text(block.text)

    (migration,) = re.findall(r"`(alembic/versions/.*?)`", PAGE)
    assert "suppliers" in (checkout / migration).read_text()
    assert serve.text == "make run\n"
    with running(checkout, environment):
        shown = run(checkout, environment, look.text)
    created, listed = map(json.loads, shown.splitlines())
    assert listed["items"] == [created]
    run(checkout, environment, f".venv/bin/pytest {' '.join(EVERYTHING)}")
