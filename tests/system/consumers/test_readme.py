"""The README of the clients."""

import pytest

from tests.support.servers import ROOT

CLIENTS = ROOT / "clients"


@pytest.mark.parametrize("example", ["python/example.py", "typescript/example.ts"])
def test_readme_has_the_tested_examples(example):
    assert (CLIENTS / example).read_text() in (CLIENTS / "README.md").read_text()
