"""Panels of the Grafana dashboard with their data from Prometheus."""

import json
import math
import re
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from bench.targets import ROOT

DASHBOARD = ROOT / "helm" / "dashboards" / "flask-api.json"
NAMESPACE, JOB = "production", "flask-api-metrics"
SCRAPE_SECONDS = STEP = 2
# Grafana calculates a rate over at least four scrapes.
RATE_INTERVAL = f"{4 * SCRAPE_SECONDS}s"
VARIABLES = {"$namespace": NAMESPACE, "$job": JOB, "$__rate_interval": RATE_INTERVAL}
LABEL = re.compile(r"\{\{(\w+)\}\}")

# A panel of the dashboard, plus its time `range` and its `series` (each with label and points).
Panel = dict[str, Any]


def queried(port: int, start: float, end: float) -> list[Panel]:
    """Return the panels with the data of the Prometheus on this port.

    Raises:
        RuntimeError: Prometheus rejects an expression.
    """
    panels: list[Panel] = json.loads(DASHBOARD.read_text())["panels"]
    for panel in panels:
        targets = panel.get("targets", [])
        panel["range"] = (start, end)
        panel["series"] = [each for target in targets for each in series(port, target, start, end)]
    return panels


def series(port: int, target: dict[str, str], start: float, end: float) -> list[dict[str, Any]]:
    expression = target["expr"]
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    results = query(port, query=expression, start=start, end=end, step=STEP)
    return [
        {"label": label(target["legendFormat"], each["metric"]), "points": points(each["values"])}
        for each in results
    ]


def label(template: str, labels: dict[str, str]) -> str:
    return LABEL.sub(lambda name: labels.get(name[1], ""), template)


def points(values: list[tuple[float, str]]) -> list[tuple[float, float]]:
    return [(when, float(value)) for when, value in values]


def query(port: int, **parameters: object) -> list[dict[str, Any]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/api/v1/query_range?{urlencode(parameters)}")
    response = json.loads(connection.getresponse().read())
    connection.close()
    if response["status"] != "success":
        raise RuntimeError(f"{parameters['query']}: {response['error']}")
    results: list[dict[str, Any]] = response["data"]["result"]
    return results


def has_data(panel: Panel) -> bool:
    """Return True if a series has a number, or if the panel is a heading (`row`)."""
    values = [value for each in panel["series"] for _, value in each["points"]]
    return panel["type"] == "row" or any(map(math.isfinite, values))
