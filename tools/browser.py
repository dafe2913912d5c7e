"""Headless Chromium without network except 127.0.0.1, for tests and screenshots."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1300,1700",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
PHONE = 375  # CSS pixels, the width of a small phone


@contextmanager
def chromium() -> Iterator[WebDriver]:
    """Run Chromium with an empty profile until the end of the block."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(executable_path=DRIVER))
        try:
            yield driver
        finally:
            driver.quit()


def look(driver: WebDriver, width: int, height: int, *, dark: bool = False) -> None:
    """Emulate a screen size in CSS pixels, and the preferred color scheme."""
    phone = width <= PHONE
    screen = {"width": width, "height": height, "deviceScaleFactor": 1.5 if phone else 1}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**screen, "mobile": phone})
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
