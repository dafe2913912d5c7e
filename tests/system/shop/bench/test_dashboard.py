"""The picture of the dashboard: expressions as Prometheus accepts them, and panels without data."""

import json
import math

import pytest

from bench import dashboard_queries


@pytest.fixture
def sent(monkeypatch):
    """Collect the expressions that are sent to Prometheus; each one returns one series."""
    sent = []

    def query(port, query, **_):
        sent.append(query)
        return [{"metric": {"status": "503", "route": "/"}, "values": [(1.0, "2"), (2.0, "NaN")]}]

    monkeypatch.setattr(dashboard_queries, "query", query)
    return sent


def test_every_expression_is_sent_without_variables_of_grafana(sent):
    panels = json.loads(dashboard_queries.DASHBOARD.read_text())["panels"]
    dashboard_queries.queried(9090, 0, 60)

    assert len(sent) == sum(len(panel.get("targets", [])) for panel in panels) > 20
    assert [expression for expression in sent if "$" in expression] == []


def test_series_have_their_label_and_points(sent):
    target = {"expr": "up", "legendFormat": "{{status}} {{pod}}{{route}}"}
    [series] = dashboard_queries.series(9090, target, 0, 60)

    assert series["label"] == "503 /"
    assert series["points"][0] == (1.0, 2.0)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("stat", [math.nan, 0.0], True),
        ("stat", [math.nan], False),
        ("timeseries", [], False),
        ("row", [], True),
    ],
)
def test_panel_without_a_number_has_no_data(kind, values, expected):
    panel = {"type": kind, "series": [{"points": [(1.0, value) for value in values]}]}

    assert dashboard_queries.has_data(panel) is expected
