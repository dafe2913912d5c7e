"""The pages behind the links in mails, in a browser."""

from uuid import uuid4

import httpx
import pytest
from selenium.webdriver.common.by import By

from tests.support.browser import NEEDS_CHROMIUM, Page
from tests.support.factories import PASSWORD
from tests.support.smtp_servers import mailed_link

pytestmark = NEEDS_CHROMIUM
NEW = "another horse battery staple"


@pytest.fixture
def account(server):
    body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    httpx.post(f"{server.url}/api/auth/register", json=body).raise_for_status()
    return body


def test_link_verifies_the_address(server, browser, account):
    page = Page(browser, mailed_link(server, account["email"], "verify-email"))
    page.click("#account button")

    page.wait.until(lambda _: "Done" in page.texts("#result")[0])
    assert "token" not in browser.current_url
    assert page.console_messages() == page.foreign_requests() == []


def test_link_resets_the_password(server, browser, account):
    httpx.post(f"{server.url}/api/auth/forgot-password", json={"email": account["email"]})
    link = mailed_link(server, account["email"], "reset-password")
    page = Page(browser, link)
    page.see("input[name=password]").send_keys("password1")
    page.click("#account button")
    page.wait.until(lambda _: "too common" in page.texts("#result")[0])
    field = browser.find_element(By.CSS_SELECTOR, "input[name=password]")
    field.clear()
    field.send_keys(NEW)
    page.click("#account button")
    page.wait.until(lambda _: "Done" in page.texts("#result")[0])

    body = {**account, "password": NEW}
    assert httpx.post(f"{server.url}/api/auth/login", json=body).status_code == 200
