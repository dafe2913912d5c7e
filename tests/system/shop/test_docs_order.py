"""A login and an order in Swagger UI, with the examples of the document."""

import json

import pytest

from services.demo_accounts import USER, USER_PASSWORD
from tests.support.browser import NEEDS_CHROMIUM, Page

pytestmark = NEEDS_CHROMIUM
LOGIN = "#operations-auth-login"
CREATE_ORDER = "#operations-orders-createOrder"


@pytest.fixture(scope="module")
def signed_in(server):
    with server.signed_in(USER, USER_PASSWORD) as client:
        yield client


def test_order_is_placed_in_swagger_ui_after_a_login(browser, server, signed_in):
    page = Page(browser, f"{server.url}/api/docs")

    page.click(f"{LOGIN} .opblock-summary-control")
    page.click(f"{LOGIN} .execute")
    page.see(f"{LOGIN} .live-responses-table .response")
    page.see(".auth-wrapper .authorize.locked")
    page.click(f"{CREATE_ORDER} .opblock-summary-control")
    example = json.loads(page.see(f"{CREATE_ORDER} textarea").get_attribute("value"))
    key = page.see(f"{CREATE_ORDER} tr[data-param-name='Idempotency-Key'] input")
    assert key.get_attribute("value") == ""
    page.click(f"{CREATE_ORDER} .execute")

    response = f"{CREATE_ORDER} .live-responses-table"
    assert page.see(f"{response} .response .response-col_status").text.startswith("201")
    shown = json.loads(page.see(f"{response} .highlight-code code").text)
    order = signed_in.get(f"/api/orders/{shown['id']}").json()
    assert order == shown
    assert order["shipping_address"] == example["shipping_address"]
    asked = [{key: item[key] for key in ("product_id", "quantity")} for item in order["items"]]
    assert asked == example["items"]
    assert page.foreign_requests() == []
    assert page.console_messages() == []
