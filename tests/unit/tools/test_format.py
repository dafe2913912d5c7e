"""`make format` fixes the code and prints the remaining errors."""

import subprocess

import pytest

from tests.support.checkouts import copied, equipped
from tests.support.servers import BASE

pytestmark = pytest.mark.checkout
LONG_CALL = f"import sys\nimport os\n\nos.environ.get({', '.join(['sys.argv[0]'] * 20)})\n"
LONG_COMMENT = f"# {'word ' * 30}\n"


@pytest.fixture(scope="module")
def checkout():
    with copied() as copy:
        yield equipped(copy)


def formatted(checkout, text):
    """Return the result of `make format` with one more module, and the module afterwards."""
    module = checkout / "tools" / "unformatted.py"
    module.write_text(text)
    done = subprocess.run(
        ["make", "format"], cwd=checkout, env=BASE, capture_output=True, text=True, timeout=120
    )
    return done, module.read_text()


def test_line_that_black_can_split_is_fixed(checkout):
    done, text = formatted(checkout, LONG_CALL)

    assert done.returncode == 0, done.stdout
    assert text.startswith("import os\nimport sys\n\nos.environ.get(\n    sys.argv[0],\n")


def test_line_that_is_too_long_is_printed_after_formatting(checkout):
    done, text = formatted(checkout, LONG_COMMENT + LONG_CALL)

    assert done.returncode != 0
    assert "E501" in done.stdout
    assert "tools/unformatted.py:1:" in done.stdout
    assert "os.environ.get(\n    sys.argv[0],\n" in text
