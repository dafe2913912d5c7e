"""Contrast of text in ReDoc and the problem pages, in light and dark mode."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tools.browser import CHROMIUM, DRIVER, chromium, look
from tools.screenshots import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium on the PATH"),
    pytest.mark.skipif(not DRIVER, reason="there is no chromedriver on the PATH"),
]
SECONDS = 30
# Minimum contrast of normal text (WCAG 2.2, 1.4.3); the formulas are those of WCAG.
LEAST = 4.5
# Returns each text with its contrast to the nearest opaque background.
CONTRASTS = """
const parts = (color) => color.match(/[0-9.]+/g).map(Number);
const light = (color) => {
  const [red, green, blue] = parts(color).map((part) =>
    part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
};
const behind = (element) => {
  const color = getComputedStyle(element).backgroundColor;
  if ((parts(color)[3] ?? 1) >= 0.5) return color;
  return element.parentElement ? behind(element.parentElement) : "rgb(255, 255, 255)";
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim();
  const element = walker.currentNode.parentElement;
  if (!text || !element.checkVisibility({ visibilityProperty: true })) continue;
  const both = [light(behind(element)), light(getComputedStyle(element).color)];
  found.push([Math.max(...both) / Math.min(...both), text]);
}
return found;
"""
# The responses are collapsed at first; the text of each button is a status or "default".
OPEN_RESPONSES = """
for (const button of document.querySelectorAll("[data-section-id*='/operation/'] button"))
  if (/^([2-5]|default)/.test(button.textContent.trim())) button.click();
"""


@pytest.fixture(scope="module")
def url():
    with served() as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param(
            "/api/redoc", "[data-section-id*='/operation/'] h2", marks=pytest.mark.nightly
        ),
        ("/api/", "h1"),
        ("/api/docs/search?q=retry", "h1"),
        ("/api/problems", "h1"),
        ("/api/problems/invalid-input", "h1"),
        ("/api/docs/guides/quickstart", "h1"),
        ("/api/docs/guides/errors", "h1"),
    ],
)
def test_text_has_enough_contrast(browser, url, path, shown, dark):
    look(browser, 1280, 900, dark=dark)
    browser.get(url + path)
    wait = WebDriverWait(browser, SECONDS)
    wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, shown), f"no {shown}")

    browser.execute_script(OPEN_RESPONSES)
    if path == "/api/redoc":
        wait.until(lambda _: browser.find_elements(By.TAG_NAME, "caption"), "no response is open")

    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 10
    assert [(ratio, text) for ratio, text in contrasts if ratio < LEAST] == []
