"""An order placed in Swagger UI, with the example of the document."""

import json

import pytest

from services.demo import USER, USER_PASSWORD
from tests.support.browser import NEEDS_CHROMIUM, Page

pytestmark = NEEDS_CHROMIUM
CREATE_ORDER = "#operations-orders-createOrder"


@pytest.fixture(scope="module")
def signed_in(server):
    with server.signed_in(USER, USER_PASSWORD) as client:
        yield client


def test_order_is_placed_with_the_token_and_the_example(browser, server, signed_in):
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
