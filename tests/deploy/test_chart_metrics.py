"""Alerts and dashboard use the metrics and labels that the service exports."""

import re

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from app.observability import mail_metrics, metrics, webhook_metrics
from tests.deploy import charts, promql
from tests.support.servers import ROOT

pytestmark = pytest.mark.deploy
# Prometheus adds these labels and metrics itself.
SCRAPED = {"namespace", "job", "pod"}
MADE = {"up"}
DEFAULTS = yaml.safe_load((charts.CHART / "values.yaml").read_text())


def exported():
    """Return the labels of each metric of the service, by its name."""
    found = {}
    for collector, names in REGISTRY._collector_to_names.items():
        for name in names:
            buckets = {"le"} if name.endswith("_bucket") else set()
            found[name] = set(getattr(collector, "_labelnames", ())) | buckets
    return found


class TestNames:
    def test_every_used_metric_is_exported_with_its_labels(self):
        series = exported()

        assert len(promql.selectors()) > 20
        for name, matchers in promql.selectors():
            assert name in series.keys() | MADE
            assert set(matchers) <= series.get(name, set()) | SCRAPED, name

    def test_every_used_label_exists(self):
        assert promql.grouped_by() <= set().union(*exported().values()) | SCRAPED

    def test_every_used_event_is_counted(self):
        asked = {m["event"] for _, m in promql.selectors() if "event" in m}

        assert asked
        assert asked <= set(metrics.AUTH_EVENTS.values())

    def test_every_metric_is_on_the_dashboard(self):
        ours = {
            collector._name
            for module in (metrics, webhook_metrics, mail_metrics)
            for collector in vars(module).values()
            if isinstance(collector, MetricWrapperBase)
        }
        used = {re.sub("_(total|bucket)$", "", name) for name, _ in promql.selectors()}

        assert ours
        assert ours <= used


class TestDashboard:
    def test_every_query_selects_the_service(self):
        for panel in promql.dashboard()["panels"]:
            for target in panel.get("targets", []):
                assert target["expr"].count("{") == target["expr"].count(
                    '{namespace=~"$namespace", job=~"$job"'
                )

    def test_panels_have_unique_positions_and_ids(self):
        panels = promql.dashboard()["panels"]

        assert len({panel["id"] for panel in panels}) == len(panels)
        assert len({(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}) == len(panels)
        for panel in panels:
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


class TestAlerts:
    def test_alerts_select_only_this_release(self):
        for alert in promql.alerts():
            assert alert["expr"].count("{") == alert["expr"].count(
                '{namespace="production",job="shop-flask-api-metrics"'
            )

    def test_alerts_have_a_description(self):
        for alert in promql.alerts():
            assert alert["labels"]["severity"] in {"info", "warning", "critical"}
            assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}

    def test_alerts_link_to_a_heading_of_the_runbooks(self):
        text = (ROOT / DEFAULTS["metrics"]["prometheusRule"]["runbooks"]).read_text()
        headings = {line.strip("# ").lower() for line in text.splitlines() if line[:1] == "#"}

        for alert in promql.alerts():
            page, _, heading = alert["annotations"]["runbook_url"].partition("#")
            assert page == "https://wiki.example.com/runbooks"
            assert heading == alert["alert"].lower()
            assert heading in headings
