"""PromQL expressions of the alerts and the dashboard."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser

from tests.deploy import charts


class Selector(NamedTuple):
    """A selector in an expression: the name of a metric, and its label matchers."""

    name: str
    matchers: dict[str, str]


def alerts() -> list[dict[str, Any]]:
    (group,) = charts.only("PrometheusRule", "everything")["spec"]["groups"]
    return group["rules"]


def dashboard() -> dict[str, Any]:
    config_map = charts.only("ConfigMap", "everything", component="dashboard")
    return json.loads(config_map["data"]["flask-api.json"])


def expressions() -> list[str]:
    """Return all expressions, with Grafana's variables replaced."""
    shown = [
        target["expr"].replace("$__rate_interval", "5m")
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
    ]
    return [alert["expr"] for alert in alerts()] + shown


def nodes(expression: str) -> Iterator[Any]:
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    yield from found


def selectors() -> list[Selector]:
    return [
        Selector(node.name, {each.name: each.value for each in node.matchers.matchers})
        for expression in expressions()
        for node in nodes(expression)
        if isinstance(node, promql_parser.VectorSelector)
    ]


def grouped_by() -> set[str]:
    """Return the labels that the expressions group by."""
    return {
        label
        for expression in expressions()
        for node in nodes(expression)
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier
        for label in node.modifier.labels
    }
