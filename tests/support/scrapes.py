"""Metrics of the service, as Prometheus scrapes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx
import psutil
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.support.servers import Server, served
from tools.embedded import free_port


@dataclass(frozen=True)
class Watched:
    """The service and its metrics port."""

    server: Server
    port: int

    def families(self) -> list[Metric]:
        response = httpx.get(f"http://127.0.0.1:{self.port}/metrics")
        assert response.status_code == 200
        return list(text_string_to_metric_families(response.text))

    def values(self, name: str, *labels: str) -> dict:
        """Return the values of a metric by the values of its labels."""
        found: dict = {}
        for family in self.families():
            for sample in family.samples:
                if sample.name == name:
                    key = tuple(sample.labels[label] for label in labels)
                    found[key if len(key) > 1 else "".join(key)] = sample.value
        return found

    def workers(self) -> set[psutil.Process]:
        return set(psutil.Process(self.server.process.pid).children())

    def folder(self) -> Path:
        """Return the folder of the workers' metric files."""
        maps = chain(*(worker.memory_maps() for worker in self.workers()))
        paths = {Path(each.path) for each in maps}
        (folder,) = {path.parent for path in paths if path.parent.name.startswith("metrics-")}
        return folder


@contextmanager
def watched(url: str, **more: str) -> Iterator[Watched]:
    """Run the service with metrics and with `more` in its environment."""
    port = free_port()
    with served(url, METRICS_PORT=str(port), **more) as server:
        yield Watched(server, port)
