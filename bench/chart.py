"""Bar chart of the benchmark as SVG, for light and dark pages."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 760, 220, 130, 16, 18, 64
LEGEND = 130
COLOURS = ("#2f6fdb", "#8a94a3", "#d9822b", "#2e9e6b")
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .small { font-size: 11px; fill: #59636e }
  @media (prefers-color-scheme: dark) { text { fill: #f0f6fc } .small { fill: #9198a1 } }
"""

# The requests per second of each target by scenario, in the order of the titles.
Figures = Mapping[str, Sequence[float]]


def svg(figures: Figures, titles: Sequence[str], caption: str) -> str:
    """Return a chart with a group of bars for each scenario; each group has its own scale."""
    group = BAR * len(titles) + GAP
    height = TOP + group * len(figures) + 20
    parts = [label(10, 22, "Requests per second", "title"), *legend(titles)]
    for i, (scenario, rates) in enumerate(figures.items()):
        y = TOP + i * group
        parts.append(label(10, y + BAR * len(titles) // 2 + 5, scenario))
        parts += bars(y, rates)
    parts.append(label(10, height - 8, caption, "small"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">\n'
        f"<title>{escape(f'Requests per second. {caption}')}</title>\n"
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def legend(titles: Sequence[str]) -> list[str]:
    parts = []
    for i, (title, colour) in enumerate(zip(titles, COLOURS[: len(titles)], strict=True)):
        x = LEFT + i * LEGEND
        parts += [bar(x, 11, 12, 12, colour), label(x + 18, 22, title)]
    parts.append(label(10, 42, "each group has its own scale", "small"))
    return parts


def bars(y: int, rates: Sequence[float]) -> list[str]:
    """Return one group of bars with their figures."""
    parts, longest = [], max(*rates, 1.0)
    for i, (rate, colour) in enumerate(zip(rates, COLOURS[: len(rates)], strict=True)):
        length = round(rate / longest * (WIDTH - LEFT - RIGHT))
        top = y + i * BAR
        parts.append(bar(LEFT, top, length, BAR - 2, colour))
        parts.append(label(LEFT + length + 6, top + 12, f"{rate:,.0f}"))
    return parts


def bar(x: int, y: int, width: int, height: int, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" fill="{colour}"/>'


def label(x: int, y: int, text: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'
