"""Drawing of the dashboard's panels with matplotlib: `python -m bench.dashboard_chart FILE`.

The program reads the panels as JSON from standard input, and needs the environment `.venv-bench`.
"""

import json
import math
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from PIL import Image

Panel = dict[str, Any]
DPI, WIDTH, UNIT, GAP, MARGIN = 100, 1600, 38, 8, 12  # in pixels, like the grid of Grafana
TITLE, AXIS, SCALE, LINE, CHARACTER, SWATCH = 34, 24, 84, 18, 6.6, 44
PAGE, EDGE, GREY, TEXT = "#f4f5f5", "#dfe0e2", "#e9eaec", "#24292e"
COLOURS = (
    *("#56a64b", "#f2a20c", "#3274d9", "#e0562b", "#8f3bb8"),
    *("#1fa7b8", "#c4162a", "#7a6a2f", "#5f6b7a", "#e02f8a"),
    *("#96d98d", "#ffcb7d", "#8ab8ff", "#ffa6b0", "#ca95e5", "#806eb7"),
)
SUFFIXES = {"reqps": " req/s", "ops": " ops/s", "short": "", "percentunit": " %", "s": " s"}
mpl.rcParams.update({"font.size": 8.5, "text.color": TEXT, "axes.edgecolor": EDGE})


class Picture:
    """A figure with positions in pixels from its top left corner."""

    def __init__(self, rows: int) -> None:
        self.height = rows * UNIT + 2 * MARGIN
        size = (WIDTH / DPI, self.height / DPI)
        self.figure = Figure(figsize=size, dpi=DPI, facecolor=PAGE)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return x / WIDTH, 1 - y / self.height

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        left, bottom = self.at(x, y + height)
        return self.figure.add_axes((left, bottom, width / WIDTH, height / self.height))

    def panel(self, panel: Panel) -> None:
        x, y, width, height = box(panel["gridPos"])
        if panel["type"] == "row":
            middle = self.at(x + 4, y + height / 2)
            self.figure.text(*middle, f"▾ {panel['title']}", size=10, weight="bold", va="center")
            return
        corner = self.at(x, y + height)
        size = {"width": width / WIDTH, "height": height / self.height}
        self.figure.add_artist(Rectangle(corner, **size, fc="white", ec=EDGE, zorder=-1))
        self.figure.text(*self.at(x + 10, y + 10), panel["title"], weight="bold", va="top")
        draw = self.stat if panel["type"] == "stat" else self.graph
        draw(panel, x, y, width, height)

    def stat(self, panel: Panel, x: float, y: float, width: float, height: float) -> None:
        """Draw the last value, with a graph of all values below."""
        defaults = panel["fieldConfig"]["defaults"]
        axes = self.axes(x + 1, y + height * 0.6, width - 2, height * 0.4 - 1)
        axes.axis("off")
        axes.margins(x=0)
        times, values = columns(panel["series"][0]) if panel["series"] else ([], [])
        colour = threshold(defaults, values[-1]) if values else TEXT
        axes.fill_between(times, values, color=colour, alpha=0.15, lw=0)
        axes.plot(times, values, color=colour, lw=1)
        axes.set_ylim(bottom=0)
        value = formatted(values[-1], defaults["unit"]) if values else "No data"
        middle = self.at(x + width / 2, y + height * 0.48)
        style = {"size": 24, "weight": "bold", "color": colour}
        self.figure.text(*middle, value, ha="center", va="center", **style)

    def graph(self, panel: Panel, x: float, y: float, width: float, height: float) -> None:
        """Draw lines or stacked areas, with the legend below."""
        shown = sorted(panel["series"], key=lambda each: each["label"])
        columns_of_legend, lines = legend_size([each["label"] for each in shown], width)
        below = AXIS + LINE * lines + 8
        axes = self.axes(x + SCALE, y + TITLE, width - SCALE - 24, height - TITLE - below)
        plot(axes, panel, shown)
        if shown:
            handles, labels = axes.get_legend_handles_labels()
            legend = {"ncols": columns_of_legend, "bbox_to_anchor": self.at(x + 8, y + height - 4)}
            style = {"frameon": False, "borderpad": 0, "borderaxespad": 0, "labelspacing": 0.35}
            style |= {"handlelength": 1.2, "columnspacing": 1.2, "handletextpad": 0.5}
            self.figure.legend(handles, labels, loc="lower left", **legend, **style)

    def save(self, path: Path) -> None:
        """Write a PNG with a palette, so that the file is small."""
        file = BytesIO()
        self.figure.savefig(file, dpi=DPI)
        method = Image.Quantize.FASTOCTREE  # keeps the colours of thin lines
        picture = Image.open(file).convert("RGB").quantize(256, method, dither=Image.Dither.NONE)
        picture.save(path, optimize=True)


def box(grid: dict[str, int]) -> tuple[float, float, float, float]:
    """Return x, y, width and height of a panel in pixels."""
    column = (WIDTH - 2 * MARGIN) / 24
    x, y = MARGIN + grid["x"] * column, MARGIN + grid["y"] * UNIT
    return x + GAP / 2, y + GAP / 2, grid["w"] * column - GAP, grid["h"] * UNIT - GAP


def legend_size(labels: list[str], width: float) -> tuple[int, int]:
    """Return the columns and the lines of a legend."""
    longest = max(map(len, labels), default=0) * CHARACTER + SWATCH
    columns = max(1, min(len(labels), int((width - 16) // longest)))
    return columns, math.ceil(len(labels) / columns)


def utc(when: float) -> datetime:
    return datetime.fromtimestamp(when, UTC)


def columns(series: dict[str, Any]) -> tuple[list[datetime], list[float]]:
    points = [(when, value) for when, value in series["points"] if math.isfinite(value)]
    return [utc(when) for when, _ in points], [value for _, value in points]


def plot(axes: Axes, panel: Panel, shown: list[dict[str, Any]]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults["custom"]
    if custom["stacking"]["mode"] == "normal":
        stack(axes, shown, custom["fillOpacity"] / 100)
    else:
        for series, colour in zip(shown, COLOURS, strict=False):
            axes.plot(*columns(series), color=colour, lw=1.2, label=series["label"])
    axes.set_ylim(0, defaults.get("max", max(axes.get_ylim()[1], 1e-3)) * 1.02)
    style_axes(axes, defaults["unit"], *map(utc, panel["range"]))
    if not any(columns(series)[0] for series in shown):
        axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", color="grey")


def stack(axes: Axes, shown: list[dict[str, Any]], opacity: float) -> None:
    """Draw areas on top of each other; a series without a value is 0."""
    points = [dict(zip(*columns(series), strict=True)) for series in shown]
    times = sorted({when for each in points for when in each})
    below = [0.0] * len(times)
    for each, series, colour in zip(points, shown, COLOURS, strict=False):
        top = [low + each.get(when, 0.0) for when, low in zip(times, below, strict=True)]
        axes.fill_between(times, below, top, color=colour, alpha=opacity, lw=0)
        # Draw no line where the value is 0, because it would hide the series below.
        edge = [high if high > low else math.nan for high, low in zip(top, below, strict=True)]
        axes.plot(times, edge, color=colour, lw=1.2, label=series["label"])
        below = top


def style_axes(axes: Axes, unit: str, start: datetime, end: datetime) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value, unit)))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlim(start, end)
    inside = (start + (end - start) * share for share in (0.15, 0.5, 0.85))
    axes.xaxis.set_major_locator(FixedLocator([date2num(when) for when in inside]))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M:%S"))
    axes.tick_params(length=0, labelcolor=TEXT)
    axes.grid(color=GREY, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def formatted(value: float, unit: str) -> str:
    """Return the value with its unit, as Grafana shows it."""
    if unit == "s" and value and abs(value) < 1:
        return f"{value * 1000:.3g} ms"
    if unit == "percentunit":
        value *= 100
    return f"{value:.3g}{SUFFIXES[unit]}"


def threshold(defaults: dict[str, Any], value: float) -> str:
    steps = defaults.get("thresholds", {}).get("steps", [])
    passed = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return "#c4162a" if passed[-1:] == ["red"] else "#3f8f3a"


def main() -> None:
    panels = json.load(sys.stdin)
    picture = Picture(max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels))
    for panel in panels:
        picture.panel(panel)
    picture.save(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
