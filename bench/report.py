"""The results of `make bench` as Markdown tables and an SVG chart: `make docs`."""

import json
from collections.abc import Sequence
from typing import Any

from bench.chart import svg
from bench.targets import ROOT, TARGETS, Target

DOCS = ROOT / "docs" / "operators"
JSON, SVG, PAGE = (DOCS / f"performance.{suffix}" for suffix in ("json", "svg", "md"))
BEGIN, END = "<!-- figures: make bench writes them -->\n", "<!-- end of figures -->\n"
METRICS = {"requests_per_second": "req/s", "cpu_ms": "CPU"}

# The content of docs/operators/performance.json.
Document = dict[str, Any]


def write() -> None:
    """Write the chart and the table from docs/operators/performance.json."""
    document = json.loads(JSON.read_text())
    SVG.write_text(chart(document))
    PAGE.write_text(page(document))


def page(document: Document) -> str:
    """Return the performance guide with the table of this document."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    figures = "\n".join([*ratio_table(document), "", conditions(document)])
    return f"{before}{BEGIN}\n{figures}\n\n{END}{rest.partition(END)[2]}"


def chart(document: Document) -> str:
    """Return an SVG chart of the requests per second."""
    targets = measured(document)
    rates = {
        name: [found["targets"][target.name]["requests_per_second"] for target in targets]
        for name, found in document["scenarios"].items()
    }
    titles = [target.title for target in targets]
    return svg(rates, titles, ", ".join(document["about"].values()))


def rate_table(document: Document) -> list[str]:
    """Return a table of requests per second, latency and errors."""
    targets = measured(document)
    rows = [
        [name, *(rate_cell(found["targets"][target.name]) for target in targets)]
        for name, found in document["scenarios"].items()
    ]
    return table(["req/s (p99 in ms)", *(target.title for target in targets)], rows)


def rate_cell(found: dict[str, float]) -> str:
    errors = f" {found['errors']:.0f} errors" if found["errors"] else ""
    return f"{found['requests_per_second']:,.0f} ({found['p99_ms']:.1f}){errors}"


def ratio_table(document: Document) -> list[str]:
    """Return a table of the ratios of the service to the other targets."""
    _, *others = measured(document)
    columns = {
        f"{metric} service/{other.name}": f"{title} to {other.title}"
        for metric, title in METRICS.items()
        for other in others
    }
    rows = [
        [f"`{name}`", *(f"{found['ratios'][key]:.2f}" for key in columns)]
        for name, found in document["scenarios"].items()
    ]
    return table(["", *columns.values()], rows)


def conditions(document: Document) -> str:
    """Return the machine, the date, the length of the measurement and the number of errors."""
    about = ", ".join(document["about"].values())
    targets = [
        each for found in document["scenarios"].values() for each in found["targets"].values()
    ]
    errors = sum(each["errors"] for each in targets)
    rounds = f"medians of {document['rounds']} rounds of {document['seconds']} s"
    return f"{about}; {rounds}; failed requests: {errors:,.0f}."


def measured(document: Document) -> list[Target]:
    """Return the targets that have results in every scenario; an older document lacks some."""
    scenarios = document["scenarios"].values()
    return [
        target for target in TARGETS if all(target.name in found["targets"] for found in scenarios)
    ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table with the figures aligned to the right."""
    rule = "|---|" + "--:|" * (len(head) - 1)
    return [line(head), rule, *map(line, rows)]


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    write()
