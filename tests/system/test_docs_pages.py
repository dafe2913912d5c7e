"""The docs as people see them: in a browser that can reach nothing but the service."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from tools import screenshots
from tools.browser import CHROMIUM, DRIVER, PHONE, chromium, look

SECONDS = 30
CREDENTIALS = {"email": "user@example.com", "password": "securepassword123"}
CREATE_ORDER = "#operations-orders-createOrder"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium on the PATH"),
    pytest.mark.skipif(not DRIVER, reason="there is no chromedriver on the PATH"),
]


class Page:
    """What a test does in a page, waiting until it can be done."""

    def __init__(self, driver, url: str) -> None:
        self.driver, self.url = driver, url
        self.wait = WebDriverWait(driver, SECONDS)
        driver.get_log("performance")  # of the page that the browser began with
        driver.get(url)

    def see(self, selector: str):
        found = expected_conditions.visibility_of_element_located((By.CSS_SELECTOR, selector))
        return self.wait.until(found, f"nothing to see of {selector}")

    def click(self, selector: str) -> None:
        self.see(selector)
        ready = expected_conditions.element_to_be_clickable((By.CSS_SELECTOR, selector))
        element = self.wait.until(ready, f"nothing to click of {selector}")
        # A click by coordinates fails while an opening section still moves what is below it.
        self.driver.execute_script("arguments[0].click()", element)

    def texts(self, selector: str) -> list[str]:
        elements = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return [element.get_attribute("textContent").replace("\u200b", "") for element in elements]

    def complaints(self) -> list[str]:
        """What the console shows; what a Content-Security-Policy stops is there too."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def foreign_requests(self) -> list[str]:
        messages = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        urls = [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
        assert self.url.partition("#")[0] in urls, "the log has nothing of this page"
        local = ("data:", "blob:", "chrome:")
        own = f"http://{urlsplit(self.url).netloc}/"
        return [url for url in urls if not url.startswith((own, *local))]


@pytest.fixture
def browser():
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def operations(server) -> list[tuple[str, str]]:
    paths = httpx.get(f"{server.url}/api/openapi.json").json()["paths"]
    return [
        (method, path) for path, item in paths.items() for method in item if method != "parameters"
    ]


@pytest.fixture(scope="module")
def signed_in(server):
    with httpx.Client(base_url=server.url) as client:
        token = client.post("/api/auth/login", json=CREDENTIALS).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


LOOKS = [
    ("/api/docs#/orders/createOrder", f"{CREATE_ORDER} .opblock-body"),
    ("/api/docs#/orders/createOrder", f"{CREATE_ORDER} .headers td"),
    ("/api/redoc#tag/orders/operation/createOrder", "[data-section-id$='createOrder'] h2"),
    ("/api/problems/invalid-input", "h1"),
    ("/api/problems", "h1"),
]
# The brightness of the colour behind what can be read, and of its own: 0 is black, 255 is white.
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


@pytest.mark.parametrize(("path", "selector"), LOOKS)
class TestLooks:
    @pytest.mark.parametrize("dark", [True, False])
    def test_are_as_light_or_dark_as_the_reader_likes(self, browser, server, path, selector, dark):
        look(browser, 1280, 900, dark=dark)
        page = Page(browser, server.url + path)

        behind, text = browser.execute_script(BRIGHTNESS, page.see(selector))
        assert (behind < 60 and text > 180) if dark else (behind > 220 and text < 90)

    def test_fit_a_phone_and_ask_no_other_host(self, browser, server, path, selector):
        look(browser, PHONE, 812)
        page = Page(browser, server.url + path)

        page.see(selector)
        width = "return document.documentElement.scrollWidth"
        assert browser.execute_script(width) <= PHONE
        assert page.foreign_requests() == []
        assert page.complaints() == []


class TestSwaggerUI:
    def test_shows_all_operations_and_asks_no_other_host(self, browser, server, operations):
        page = Page(browser, f"{server.url}/api/docs")

        page.see(".opblock")
        assert browser.title == "Flask API Service: Swagger UI"
        assert page.see(".info .title").text.startswith("Flask API Service")
        methods = [method.lower() for method in page.texts(".opblock-summary-method")]
        paths = page.texts(".opblock-summary-path")
        assert sorted(zip(methods, paths, strict=True)) == sorted(operations)
        assert page.foreign_requests() == []
        assert page.complaints() == []

    def test_refusal_is_shown_to_who_is_not_authorized(self, browser, server):
        page = Page(browser, f"{server.url}/api/docs")

        page.click(f"{CREATE_ORDER} .opblock-summary-control")
        page.click(f"{CREATE_ORDER} .execute")

        assert (
            page.see(f"{CREATE_ORDER} .live-responses-table .response .response-col_status").text
            == "401"
        )

    def test_order_is_placed_with_the_token_and_the_example(self, browser, server, signed_in):
        page = Page(browser, f"{server.url}/api/docs")

        page.click(".auth-wrapper .authorize")
        token = signed_in.headers["Authorization"].removeprefix("Bearer ")
        page.see(".auth-container input").send_keys(token)
        page.click(".auth-btn-wrapper .authorize")
        page.click(".auth-btn-wrapper .btn-done")
        page.click(f"{CREATE_ORDER} .opblock-summary-control")
        example = json.loads(page.see(f"{CREATE_ORDER} textarea").get_attribute("value"))
        page.click(f"{CREATE_ORDER} .execute")

        answer = f"{CREATE_ORDER} .live-responses-table"
        assert page.see(f"{answer} .response .response-col_status").text.startswith("201")
        shown = json.loads(page.see(f"{answer} .highlight-code code").text)
        order = signed_in.get(f"/api/orders/{shown['id']}").json()
        assert order == shown
        assert order["shipping_address"] == example["shipping_address"]
        bought = [{**item, "unit_price": None} for item in order["items"]]
        assert bought == [{**item, "unit_price": None} for item in example["items"]]
        assert page.foreign_requests() == []
        assert page.complaints() == []


class TestReDoc:
    def test_shows_all_operations_and_asks_no_other_host(self, browser, server, operations):
        page = Page(browser, f"{server.url}/api/redoc")

        assert page.see("h1").text.startswith("Flask API Service")
        assert browser.title == "Flask API Service: ReDoc"
        page.wait.until(lambda _: len(page.texts("[data-section-id*='/operation/']")) > 0)
        assert len(page.texts("[data-section-id*='/operation/']")) == len(operations)
        assert "Something went wrong" not in page.see("body").text
        page.wait.until(lambda _: page.texts("a[href*='redocly']"), "the footer isn't there")
        assert page.foreign_requests() == []
        assert page.complaints() == []

    def test_search_finds_an_operation(self, browser, server):
        page = Page(browser, f"{server.url}/api/redoc")

        page.see("input[aria-label='Search']").send_keys("cancel")

        assert "Cancel an order" in page.see("[data-role='search:results']").text
        assert page.complaints() == []


class TestScreenshots:
    def test_show_the_page_as_a_picture_each(self, tmp_path, monkeypatch, capsys):
        folder = tmp_path / "docs" / "screenshots"
        folder.parent.mkdir()
        monkeypatch.setattr(screenshots, "FOLDER", folder)
        monkeypatch.setattr(screenshots, "SCREENS", {"phone": screenshots.SCREENS["phone"]})

        assert screenshots.main() == 0
        pictures = sorted(folder.iterdir())
        assert [file.name for file in pictures] == ["redoc-phone.png", "swagger-ui-phone.png"]
        assert all(file.read_bytes().startswith(b"\x89PNG") for file in pictures)

    def test_that_are_kept_are_those_and_small(self):
        kept = Path(screenshots.__file__).parent.parent / "docs" / "screenshots"
        names = {f"{page}-{screen}" for page in screenshots.PAGES for screen in screenshots.SCREENS}
        assert {file.stem for file in kept.iterdir()} == names
        assert all(file.stat().st_size < 160_000 for file in kept.iterdir())
