"""`make screenshots`: pictures of Swagger UI and ReDoc in light, in dark and on a phone."""

import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import visibility_of_element_located
from selenium.webdriver.support.ui import WebDriverWait
from werkzeug.serving import make_server

from app import create_app
from app.settings import Settings
from tools.browser import CHROMIUM, DRIVER, PHONE, chromium, look

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
SECONDS = 30
# The pages do not use the database.
SETTINGS = {
    "FLASK_ENV": "testing",
    "SECRET_KEY": "unused",
    "DATABASE_URL": "postgresql://localhost/unused",
    "LOG_LEVEL": "WARNING",
}
REDOC = "tag/orders/operation/createOrder"
# Each page: the URL of the operation, the element to wait for, and the element at the top.
PAGES = {
    "swagger-ui": ("docs#/orders/createOrder", ".opblock-body", "#operations-tag-orders"),
    "redoc": (f"redoc#{REDOC}", f"[id='{REDOC}'] h2", f"[id='{REDOC}']"),
}
SCREENS = {"light": (1280, 760, False), "dark": (1280, 760, True), "phone": (PHONE, 720, False)}


def main() -> int:
    if not (CHROMIUM and DRIVER):
        print("Install chromium and chromedriver; Debian: chromium-driver", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with served() as url, chromium() as driver:
        for page, (path, seen, top) in PAGES.items():
            for screen, (width, height, dark) in SCREENS.items():
                look(driver, width, height, dark=dark)
                driver.get("about:blank")  # a new fragment alone loads no page
                driver.get(f"{url}/api/{path}")
                file = FOLDER / f"{page}-{screen}.png"
                file.write_bytes(picture(driver, seen, top))
                print(f"{file.relative_to(FOLDER.parent.parent)}: {file.stat().st_size // 1024} kB")
    return 0


@contextmanager
def served() -> Iterator[str]:
    """Run the service in a thread until the end of the block, and yield its URL."""
    server = make_server("127.0.0.1", 0, create_app(Settings.load(SETTINGS)), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


def picture(driver: WebDriver, seen: str, top: str) -> bytes:
    """Return a PNG of the page from `top` down, once `seen` is visible and nothing moves."""
    shown = visibility_of_element_located((By.CSS_SELECTOR, seen))
    WebDriverWait(driver, SECONDS).until(shown)
    element = driver.find_element(By.CSS_SELECTOR, top)
    driver.execute_script("arguments[0].scrollIntoView()", element)
    last = b""
    while last != (current := _captured(driver)):
        last = current
    return current


def _captured(driver: WebDriver) -> bytes:
    return b64decode(driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"])


if __name__ == "__main__":
    sys.exit(main())
