"""Requests that schemathesis generates from the OpenAPI document."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.servers import ROOT

HERE = Path(__file__).parent
SECONDS = int(os.environ.get("FUZZ_SECONDS", "240"))


@pytest.fixture
def server(server):
    """Run the service, with the demo rows of the documented examples if there are any."""
    if find_spec("commands.demo"):
        server.flask("demo", "load", "--stock", "1000000")
    return server


@pytest.mark.fuzz
def test_generated_requests_find_no_errors(server):
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "--config-file"),
            *(str(HERE / "schemathesis.toml"), "run", f"{server.url}/api/openapi.json"),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
            f"--max-time={SECONDS}",
        ],
        cwd=ROOT,
        env={**server.environment, "FUZZED_URL": server.url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS + 360,
    )

    print(done.stdout)
    assert done.returncode == 0, done.stdout[-20000:]
    operations = re.search(r"Tested: (\d+)", done.stdout)
    cases = re.search(r"(\d+) generated", done.stdout)
    assert operations
    assert cases
    # How many more depends on the speed of the machine.
    assert int(cases[1]) > 2 * int(operations[1])
