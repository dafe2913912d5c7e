"""The docs as people see them: in a browser that can reach nothing but the service."""

import json
import shutil
from urllib.parse import urlsplit

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SECONDS = 30
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1300,1700",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
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
        assert self.url in urls, "the log has nothing of this page"
        local = ("data:", "blob:", "chrome:")
        own = f"http://{urlsplit(self.url).netloc}/"
        return [url for url in urls if not url.startswith((own, *local))]


@pytest.fixture
def browser(tmp_path):
    """A Chromium with an empty profile, that resolves no name."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=DRIVER))
    yield driver
    driver.quit()


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
