"""The SVG chart of the benchmark."""

from xml.etree import ElementTree

from bench.chart import svg

FIGURES = {"GET /api/health": [900.0, 1800.0, 1234.5, 67.0], "GET /a?b=<&>": [0.0] * 4}
TITLES = ["this service", "bare WSGI", "FastAPI", "Litestar"]
NAME = "{http://www.w3.org/2000/svg}"


def drawn():
    """Return the parsed chart."""
    return ElementTree.fromstring(svg(FIGURES, TITLES, "Some CPU, 2026-02-10"))  # noqa: S314


class TestSvg:
    def test_chart_shows_scenarios_targets_figures_and_date(self):
        texts = [element.text for element in drawn().iter(f"{NAME}text")]

        for expected in (*FIGURES, *TITLES, "900", "1,800", "1,234", "67", "Some CPU, 2026-02-10"):
            assert expected in texts

    def test_length_of_a_bar_is_proportional(self):
        bars = [float(bar.get("width")) for bar in drawn().iter(f"{NAME}rect")]

        service, floor = bars[len(TITLES)], bars[len(TITLES) + 1]
        assert service == floor / 2

    def test_all_elements_are_inside_the_chart(self):
        picture = drawn()
        _, _, width, height = map(int, picture.get("viewBox").split())

        for bar in picture.iter(f"{NAME}rect"):
            assert int(bar.get("x")) + int(bar.get("width")) < width
            assert int(bar.get("y")) + int(bar.get("height")) < height

    def test_targets_have_different_colours(self):
        legend = list(drawn().iter(f"{NAME}rect"))[: len(TITLES)]

        assert len({bar.get("fill") for bar in legend}) == len(TITLES)

    def test_legends_do_not_overlap(self):
        texts = {text.text: int(text.get("x")) for text in drawn().iter(f"{NAME}text")}
        starts = [texts[title] for title in TITLES]

        # A character is about 8 wide, and the colour of the next title takes 18.
        for title, start, end in zip(TITLES, starts, [*starts[1:], 760 + 18], strict=True):
            assert start + 8 * len(title) + 18 <= end
