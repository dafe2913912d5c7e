"""A new account, a forgotten password and a second factor, in Swagger UI and by mail."""

import json
from uuid import uuid4

from selenium.webdriver.common.by import By

from tests.support.browser import NEEDS_CHROMIUM, Page
from tests.support.factories import PASSWORD
from tests.support.second_factors import code_of
from tests.support.smtp_servers import mailed_link

pytestmark = NEEDS_CHROMIUM
NEW = "another horse battery staple"
REGISTER, LOGIN, SECOND_STEP = (
    f"#operations-auth-{name}" for name in ("register", "login", "loginWithSecondFactor")
)
FORGOT = "#operations-account-recovery-forgotPassword"
ENROL, CONFIRM = (
    f"#operations-second-factor-{name}" for name in ("enrolSecondFactor", "confirmSecondFactor")
)
# Sets a value like an input of the user, because React ignores an assigned value. To send each key
# takes minutes.
FILL = """
    const value = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
    value.set.call(arguments[0], arguments[1]);
    arguments[0].dispatchEvent(new Event("input", {bubbles: true}));
"""
EMAIL = f"{uuid4().hex}@example.com"


def execute(page: Page, operation: str, body: dict | None = None) -> tuple[int, dict]:
    """Execute an operation in Swagger UI, and return the status and the body of the response."""
    page.click(f"{operation} .opblock-summary-control")
    if body:
        page.driver.execute_script(FILL, page.see(f"{operation} textarea"), json.dumps(body))
    page.click(f"{operation} .execute")
    response = f"{operation} .live-responses-table .response"
    status = int(page.see(f"{response} .response-col_status").text.split()[0])
    shown = page.driver.find_elements(By.CSS_SELECTOR, f"{response} .highlight-code code")
    return status, json.loads(shown[0].text) if shown else {}


def test_forgotten_password_and_second_factor(browser, server):
    page = Page(browser, f"{server.url}/api/docs")
    assert execute(page, REGISTER, {"email": EMAIL, "password": PASSWORD})[0] == 201
    assert execute(page, FORGOT, {"email": EMAIL})[0] == 202
    set_password(Page(browser, mailed_link(server, EMAIL, "reset-password")), NEW)

    page = Page(browser, f"{server.url}/api/docs")
    assert execute(page, LOGIN, {"email": EMAIL, "password": NEW})[0] == 200
    status, enrolment = execute(page, ENROL, {"password": NEW})
    assert status == 201
    code = code_of(enrolment["secret"], 0)
    status, codes = execute(page, CONFIRM, {"code": code})
    assert (status, len(codes["recovery_codes"])) == (200, 10)

    page = Page(browser, f"{server.url}/api/docs")
    status, problem = execute(page, LOGIN, {"email": EMAIL, "password": NEW})
    assert (status, problem["type"]) == (401, "/api/problems/second-factor-required")
    step = {"challenge": problem["challenge"], "code": code_of(enrolment["secret"])}
    assert execute(page, SECOND_STEP, step)[0] == 200


def set_password(page: Page, password: str) -> None:
    page.see("input[name=password]").send_keys(password)
    page.click("#account button")
    page.wait.until(lambda _: "Done" in page.texts("#result")[0])
