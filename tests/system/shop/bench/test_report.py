"""The report of the benchmark: tables, chart and the committed files."""

import json
from copy import deepcopy

import pytest

from bench import report

COMMITTED = json.loads(report.JSON.read_text())
NAMES = ["service", "floor", "fastapi", "litestar"]


def document(*names, errors=0):
    """Return results in which each target is ten times as fast as the previous one."""
    targets = {
        name: {"requests_per_second": 1234.0 * 10**i, "p99_ms": 5.25, "errors": errors}
        for i, name in enumerate(names)
    }
    ratios = {
        f"{metric} service/{name}": value + i
        for metric, value in (("requests_per_second", 0.5), ("cpu_ms", 10.5))
        for i, name in enumerate(names[1:])
    }
    return {
        "about": {"cpu": "Some CPU", "date": "2026-02-10"},
        "seconds": 3.5,
        "rounds": 3,
        "scenarios": {"GET /api/health": {"targets": targets, "ratios": ratios}},
    }


class TestRatioTable:
    def test_has_a_column_for_each_metric_and_other_target(self):
        head, rule, row = report.ratio_table(document(*NAMES))

        assert head == (
            "|  | req/s to bare WSGI | req/s to FastAPI | req/s to Litestar"
            " | CPU to bare WSGI | CPU to FastAPI | CPU to Litestar |"
        )
        assert rule == "|---|--:|--:|--:|--:|--:|--:|"
        assert row == "| `GET /api/health` | 0.50 | 1.50 | 2.50 | 10.50 | 11.50 | 12.50 |"

    def test_leaves_out_a_target_without_results(self):
        head, _, row = report.ratio_table(document("service", "floor", "fastapi"))

        assert "FastAPI" in head
        assert "Litestar" not in head
        assert row == "| `GET /api/health` | 0.50 | 1.50 | 10.50 | 11.50 |"

    def test_leaves_out_a_target_that_one_scenario_lacks(self):
        incomplete = document(*NAMES)
        incomplete["scenarios"]["GET /api/orders"] = deepcopy(
            incomplete["scenarios"]["GET /api/health"]
        )
        del incomplete["scenarios"]["GET /api/orders"]["targets"]["litestar"]

        assert "Litestar" not in report.ratio_table(incomplete)[0]


class TestRateTable:
    def test_has_the_rate_and_the_latency_of_each_target(self):
        head, _, row = report.rate_table(document(*NAMES))

        assert head.endswith("| this service | bare WSGI | FastAPI | Litestar |")
        assert row.startswith("| GET /api/health | 1,234 (5.2) | 12,340 (5.2) | 123,400 (5.2) |")

    def test_shows_errors(self):
        assert "1,234 (5.2) 7 errors" in report.rate_table(document(*NAMES, errors=7))[2]


class TestConditions:
    def test_name_machine_date_length_and_errors(self):
        assert report.conditions(document(*NAMES, errors=7)) == (
            "Some CPU, 2026-02-10; medians of 3 rounds of 3.5 s; failed requests: 28."
        )


class TestChart:
    def test_has_all_targets(self):
        picture = report.chart(document(*NAMES))

        assert all(f">{title}</text>" in picture for title in ("bare WSGI", "FastAPI", "Litestar"))

    def test_leaves_out_a_target_without_results(self):
        picture = report.chart(document("service", "floor", "fastapi"))

        assert ">FastAPI</text>" in picture
        assert "Litestar" not in picture


class TestPage:
    def test_replaces_only_the_figures(self, monkeypatch, tmp_path):
        guide = tmp_path / "guide.md"
        guide.write_text(f"Before.\n\n{report.BEGIN}\nold\n\n{report.END}\nAfter.\n")
        monkeypatch.setattr(report, "PAGE", guide)

        written = report.page(document(*NAMES))

        assert written.startswith(f"Before.\n\n{report.BEGIN}\n|  | req/s to bare WSGI |")
        assert written.endswith(f"\n\n{report.END}\nAfter.\n")
        assert "old" not in written


class TestWrite:
    def test_writes_the_chart_and_the_guide(self, monkeypatch, tmp_path):
        for name in ("JSON", "SVG", "PAGE"):
            monkeypatch.setattr(report, name, tmp_path / name)
        report.JSON.write_text(json.dumps(document(*NAMES)))
        report.PAGE.write_text(report.BEGIN + report.END)

        report.write()

        assert "Litestar" in report.SVG.read_text()
        assert "Litestar" in report.PAGE.read_text()


class TestCommittedFiles:
    @pytest.mark.parametrize(
        ("path", "render"),
        [(report.PAGE, report.page), (report.SVG, report.chart)],
        ids=["guide", "chart"],
    )
    def test_committed_files_equal_the_results(self, path, render):
        assert path.read_text() == render(COMMITTED), "make docs writes it"
