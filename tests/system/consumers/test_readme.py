"""The page about the clients."""

import pytest

from tests.support.servers import ROOT

CLIENTS = ROOT / "clients"


@pytest.mark.parametrize("example", ["python/example.py", "typescript/example.ts"])
def test_shows_the_examples_that_are_tested(example):
    assert (CLIENTS / example).read_text() in (CLIENTS / "README.md").read_text()
