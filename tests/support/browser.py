"""Page object: a page of the service in Chromium."""

import json
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from tools.browser import CHROMIUM, DRIVER

SECONDS = 30
NEEDS_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium on the PATH"),
    pytest.mark.skipif(not DRIVER, reason="there is no chromedriver on the PATH"),
]


class Page:
    """Page in the browser; its methods wait for the elements that they use."""

    def __init__(self, driver, url: str) -> None:
        self.driver, self.url = driver, url
        self.wait = WebDriverWait(driver, SECONDS)
        driver.get_log("performance")  # discard the entries of the start page
        driver.get(url)

    def see(self, selector: str):
        found = expected_conditions.visibility_of_element_located((By.CSS_SELECTOR, selector))
        return self.wait.until(found, f"{selector} is not visible")

    def click(self, selector: str) -> None:
        self.see(selector)
        ready = expected_conditions.element_to_be_clickable((By.CSS_SELECTOR, selector))
        element = self.wait.until(ready, f"{selector} is not clickable")
        # A click by coordinates fails while an opening section still moves the elements below it.
        self.driver.execute_script("arguments[0].click()", element)

    def texts(self, selector: str) -> list[str]:
        elements = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return [element.get_attribute("textContent").replace("\u200b", "") for element in elements]

    def console_messages(self) -> list[str]:
        """Return the messages of the console, including Content-Security-Policy violations."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def foreign_requests(self) -> list[str]:
        messages = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        urls = [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
        assert self.url.partition("#")[0] in urls, "the log has no request for this page"
        local = ("data:", "blob:", "chrome:")
        own = f"http://{urlsplit(self.url).netloc}/"
        return [url for url in urls if not url.startswith((own, *local))]
