"""Processes of `flask webhooks deliver`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.servers import ROOT, environment


@contextmanager
def deliverer(url: str, *receivers: object, **more: str) -> Iterator[subprocess.Popen]:
    """Run the command until the end of the block; allow it to send to the ports of `receivers`."""
    ports = ",".join(str(each.port) for each in receivers)
    networks = {"WEBHOOK_PORTS": ports, "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "webhooks", "deliver"],
        cwd=ROOT,
        env=environment(url, **networks, **more),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
