"""Docs pages in a browser that can only reach the service."""

from pathlib import Path

import httpx
import pytest

from tests.support.browser import NEEDS_CHROMIUM, Page
from tools import screenshots
from tools.browser import PHONE, look

UPDATE_PROFILE = "#operations-users-updateProfile"

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def operations(server) -> list[tuple[str, str]]:
    """Return the operations and the webhooks, by method and path or type."""
    document = httpx.get(f"{server.url}/api/openapi.json").json()
    items = {**document["paths"], **document["webhooks"]}
    return [
        (method, path) for path, item in items.items() for method in item if method != "parameters"
    ]


# Pages, and texts on them.
LOOKS = [
    (
        "/api/docs#/users/updateProfile",
        [f"{UPDATE_PROFILE} {part}" for part in (".opblock-body", ".headers td", "summary")],
    ),
    ("/api/redoc#tag/users/operation/updateProfile", ["[data-section-id$='updateProfile'] h2"]),
    ("/api/problems/invalid-input", ["h1"]),
    ("/api/docs/guides/quickstart", ["h1"]),
    ("/api/docs/guides/retries", ["table td"]),
    ("/api/problems", ["h1"]),
    ("/api/", ["summary"]),
    ("/api/docs/search?q=retry", ["dt"]),
]
# Brightness of the background and of the text: 0 is black, 255 is white.
BRIGHTNESS = """
const bright = (color) => {
  const [red, green, blue, alpha = 1] = color.match(/[0-9.]+/g).map(Number);
  return { value: 0.2126 * red + 0.7152 * green + 0.0722 * blue, alpha };
};
let behind = arguments[0];
while (behind && bright(getComputedStyle(behind).backgroundColor).alpha < 0.5)
  behind = behind.parentElement;
const page = behind ? bright(getComputedStyle(behind).backgroundColor).value : 255;
return [page, bright(getComputedStyle(arguments[0]).color).value];
"""


@pytest.mark.parametrize(("path", "selectors"), LOOKS)
class TestLayout:
    @pytest.mark.parametrize("dark", [True, False])
    def test_pages_follow_the_preferred_color_scheme(self, browser, server, path, selectors, dark):
        look(browser, 1280, 900, dark=dark)
        page = Page(browser, server.url + path)

        for selector in selectors:
            behind, text = browser.execute_script(BRIGHTNESS, page.see(selector))
            assert (behind < 60 and text > 180) if dark else (behind > 220 and text < 90), selector

    def test_pages_fit_a_phone_and_load_nothing_from_other_hosts(
        self, browser, server, path, selectors
    ):
        look(browser, PHONE, 812)
        page = Page(browser, server.url + path)

        for selector in selectors:
            page.see(selector)
        width = "return document.documentElement.scrollWidth"
        assert browser.execute_script(width) <= PHONE
        assert page.foreign_requests() == []
        assert page.console_messages() == []


class TestSwaggerUI:
    def test_page_shows_all_operations_and_loads_nothing_from_other_hosts(
        self, browser, server, operations
    ):
        page = Page(browser, f"{server.url}/api/docs")

        page.see(".opblock")
        assert browser.title == "Flask API Service: Swagger UI"
        assert page.see(".info .title").text.startswith("Flask API Service")
        methods = [method.lower() for method in page.texts(".opblock-summary-method")]
        paths = page.texts(".opblock-summary-path")
        assert sorted(zip(methods, paths, strict=True)) == sorted(operations)
        assert page.foreign_requests() == []
        assert page.console_messages() == []

    def test_authorize_is_on_the_first_screen(self, browser, server):
        for width, height in [(1280, 720), (PHONE, 812)]:
            look(browser, width, height)
            page = Page(browser, f"{server.url}/api/docs")

            rect = page.see(".auth-wrapper .authorize").rect
            assert rect["y"] + rect["height"] < height

    def test_document_named_in_the_query_is_not_loaded(self, browser, server):
        page = Page(browser, f"{server.url}/api/docs?url=/api/health&configUrl=/api/health")

        page.see(".opblock")
        assert page.see(".info .title").text.startswith("Flask API Service")
        assert page.foreign_requests() == []

    def test_unauthorized_request_shows_the_error(self, browser, server):
        page = Page(browser, f"{server.url}/api/docs")

        page.click(f"{UPDATE_PROFILE} .opblock-summary-control")
        page.click(f"{UPDATE_PROFILE} .execute")

        assert (
            page.see(f"{UPDATE_PROFILE} .live-responses-table .response .response-col_status").text
            == "401"
        )


class TestSamples:
    def test_are_in_swagger_ui_below_the_description(self, browser, server):
        page = Page(browser, f"{server.url}/api/docs#/users/updateProfile")

        page.click(f"{UPDATE_PROFILE} details summary")

        labels = [text.split()[0] for text in page.texts(f"{UPDATE_PROFILE} summary")]
        assert labels == ["curl", "Python", "TypeScript"]
        assert (
            f"-X PATCH {server.url}/api/users/me" in page.see(f"{UPDATE_PROFILE} details pre").text
        )

    def test_are_in_redoc_before_the_payload(self, browser, server):
        page = Page(browser, f"{server.url}/api/redoc#tag/users/operation/updateProfile")

        page.see(section := "[data-section-id$='updateProfile']")

        tabs = page.texts(f"{section} [role='tab']")
        assert tabs[:4] == ["curl", "Python", "TypeScript", "Payload"]
        assert f"-X PATCH {server.url}/api/users/me" in page.see(f"{section} pre").text


class TestSearch:
    def test_leads_from_any_page_to_a_section_of_a_guide(self, browser, server):
        page = Page(browser, f"{server.url}/api/redoc")

        page.see("header input").send_keys("five attempts\n")
        page.click("dt a[href$='#when-to-retry']")

        assert page.see("#when-to-retry").text == "When to retry"
        assert page.foreign_requests() == []
        assert page.console_messages() == []


class TestReDoc:
    def test_page_shows_all_operations_and_loads_nothing_from_other_hosts(
        self, browser, server, operations
    ):
        page = Page(browser, f"{server.url}/api/redoc")

        assert page.see("h1").text.startswith("Flask API Service")
        assert browser.title == "Flask API Service: ReDoc"
        page.wait.until(lambda _: len(page.texts("[data-section-id*='/operation/']")) > 0)
        assert len(page.texts("[data-section-id*='/operation/']")) == len(operations)
        assert "Something went wrong" not in page.see("body").text
        page.wait.until(lambda _: page.texts("a[href*='redocly']"), "the footer isn't there")
        assert page.foreign_requests() == []
        assert page.console_messages() == []

    def test_search_finds_an_operation(self, browser, server):
        page = Page(browser, f"{server.url}/api/redoc")

        page.see("input[aria-label='Search']").send_keys("password")

        assert "Change your password" in page.see("[data-role='search:results']").text
        assert page.console_messages() == []


class TestScreenshots:
    def test_screenshot_is_taken_of_each_page(self, tmp_path, monkeypatch, capsys):
        folder = tmp_path / "docs" / "screenshots"
        folder.parent.mkdir()
        monkeypatch.setattr(screenshots, "FOLDER", folder)
        monkeypatch.setattr(screenshots, "SCREENS", {"phone": screenshots.SCREENS["phone"]})

        assert screenshots.main() == 0
        pictures = sorted(folder.iterdir())
        assert [file.name for file in pictures] == ["redoc-phone.png", "swagger-ui-phone.png"]
        assert all(file.read_bytes().startswith(b"\x89PNG") for file in pictures)

    def test_committed_screenshots_are_complete_and_small(self):
        kept = Path(screenshots.__file__).parent.parent / "docs" / "screenshots"
        names = {f"{page}-{screen}" for page in screenshots.PAGES for screen in screenshots.SCREENS}
        assert {file.stem for file in kept.iterdir()} == names
        assert all(file.stat().st_size < 160_000 for file in kept.iterdir())
