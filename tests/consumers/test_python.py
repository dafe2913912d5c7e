"""The Python client, against the running service."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import httpx
import pytest

from tests.factories import ADDRESS, PASSWORD
from tests.servers import ROOT

pytestmark = pytest.mark.clients
pytest.importorskip("flask_api_client.generated", reason="`make clients` has not been run")

from flask_api_client import ApiProblem, connect, items, resume, sign_in, unwrap  # noqa: E402
from flask_api_client.generated.api.auth import list_sessions, logout  # noqa: E402
from flask_api_client.generated.api.orders import create_order, list_orders  # noqa: E402
from flask_api_client.generated.api.products import get_product, list_products  # noqa: E402
from flask_api_client.generated.api.users import get_profile  # noqa: E402
from flask_api_client.generated.models import NewOrder, NewOrderItem, Tokens  # noqa: E402

CLIENTS = ROOT / "clients"
NEW_ORDER = NewOrder.from_dict(
    {"items": [{"product_id": "abc", "quantity": 1}], "shipping_address": ADDRESS}
)

EXPIRED = httpx.Response(
    401,
    headers={
        "Content-Type": "application/problem+json",
        "WWW-Authenticate": 'Bearer error="invalid_token"',
    },
)
EMPTY_PAGE = httpx.Response(200, json={"items": [], "next_cursor": None})


@pytest.fixture
def email(shop):
    return shop.account()


@pytest.fixture
def api(shop, email):
    with sign_in(shop.server.url, email, PASSWORD) as api:
        yield api


def tokens_of(name):
    return Tokens(access_token=name, refresh_token=name, token_type="bearer", expires_in=1800)


def place(api, key=None):
    key = key or str(uuid4())
    return create_order.sync_detailed(client=api, body=NEW_ORDER, idempotency_key=key)


class TestSession:
    def test_signs_in(self, api, email):
        assert unwrap(get_profile.sync_detailed(client=api)).email == email

    def test_wrong_password_is_a_typed_problem(self, shop, email):
        with pytest.raises(ApiProblem) as refused:
            sign_in(shop.server.url, email, "not the password")

        assert refused.value.has_type("wrong-credentials")
        assert refused.value.problem.status == 401
        assert refused.value.problem.request_id in str(refused.value)

    def test_expired_token_is_exchanged_and_the_new_ones_are_told(self, shop, email):
        old, kept = Tokens.from_dict(shop.expired_tokens(email)), []

        with resume(shop.server.url, old, keep=kept.append) as api:
            for _ in range(2):
                assert unwrap(get_profile.sync_detailed(client=api)).email == email

        assert [tokens.refresh_token != old.refresh_token for tokens in kept] == [True]
        with resume(shop.server.url, kept[0]) as later:
            assert unwrap(get_profile.sync_detailed(client=later)).email == email

    def test_twenty_threads_exchange_once(self, shop, email):
        old, kept = Tokens.from_dict(shop.expired_tokens(email)), []

        with resume(shop.server.url, old, keep=kept.append) as api, ThreadPoolExecutor(20) as many:
            answers = list(many.map(lambda _: get_profile.sync_detailed(client=api), range(20)))

        assert {unwrap(answer).email for answer in answers} == {email}
        assert len(kept) == 1

    def test_ended_session_is_a_typed_problem(self, api):
        assert unwrap(logout.sync_detailed(client=api)) is None

        with pytest.raises(ApiProblem) as refused:
            unwrap(list_sessions.sync_detailed(client=api))

        assert refused.value.has_type("invalid-refresh-token")


class TestOrder:
    def test_lost_answer_is_asked_for_again_and_one_order_is_made(self, shop, losing_url, email):
        with sign_in(losing_url, email, PASSWORD) as api:
            answer = place(api)
            (listed,) = items(lambda at: list_orders.sync_detailed(client=api, cursor=at))

        assert answer.headers["Idempotency-Replayed"] == "true"
        assert listed.id == unwrap(answer).id
        assert shop.orders(email) == 1

    def test_without_a_key_a_lost_answer_is_told_and_nothing_is_repeated(
        self, shop, losing_url, email
    ):
        with sign_in(losing_url, email, PASSWORD) as api, pytest.raises(httpx.TransportError):
            create_order.sync_detailed(client=api, body=NEW_ORDER)

        assert shop.orders(email) == 1

    def test_expired_token_is_exchanged_and_the_order_is_made_once(self, shop, email):
        old = Tokens.from_dict(shop.expired_tokens(email))

        with resume(shop.server.url, old) as api:
            assert unwrap(place(api)).status == "pending"

        assert shop.orders(email) == 1

    def test_out_of_stock_says_of_what(self, api):
        items = [NewOrderItem(product_id="sold-out", quantity=2)]
        sold_out = NewOrder(items=items, shipping_address=NEW_ORDER.shipping_address)

        with pytest.raises(ApiProblem) as refused:
            unwrap(create_order.sync_detailed(client=api, body=sold_out))

        assert refused.value.has_type("out-of-stock")
        (shortage,) = refused.value.problem.products
        assert (shortage.product_id, shortage.available) == ("sold-out", 0)

    def test_invalid_input_says_where(self, api):
        nothing = NewOrder(items=[], shipping_address=NEW_ORDER.shipping_address)

        with pytest.raises(ApiProblem) as refused:
            unwrap(create_order.sync_detailed(client=api, body=nothing))

        assert [error.pointer for error in refused.value.problem.errors] == ["/items"]


class TestProxy:
    def test_a_path_before_the_service_is_kept_by_the_exchange_too(self):
        asked = []

        def service(request):
            asked.append(request.url.path)
            if request.url.path.endswith("/refresh"):
                return httpx.Response(200, json=tokens_of("new").to_dict())
            return EXPIRED if "old" in request.headers["Authorization"] else EMPTY_PAGE

        transport = partial(httpx.MockTransport, service)
        with resume("http://proxy/shop/", tokens_of("old"), transport=transport) as api:
            unwrap(list_orders.sync_detailed(client=api))

        orders, refresh = "/shop/api/orders", "/shop/api/auth/refresh"
        assert asked == [orders, refresh, orders]

    def test_refusal_of_something_on_the_way_is_a_typed_problem_too(self):
        def proxy(request):
            return httpx.Response(403, html="<h1>Forbidden</h1>")

        with connect("http://proxy", transport=lambda: httpx.MockTransport(proxy)) as api:
            answer = list_products.sync_detailed(client=api)

        with pytest.raises(ApiProblem) as refused:
            unwrap(answer)
        assert (refused.value.problem.status, refused.value.problem.title) == (403, "Forbidden")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirect_is_a_typed_problem_and_is_not_followed(self, status):
        asked = []

        def proxy(request):
            asked.append(request.url.host)
            return httpx.Response(status, headers={"Location": "http://other/"})

        with connect("http://proxy", transport=lambda: httpx.MockTransport(proxy)) as api:
            answer = list_products.sync_detailed(client=api)

        with pytest.raises(ApiProblem, match="The service is elsewhere: http://other/") as refused:
            unwrap(answer)
        assert refused.value.problem.status == status
        assert asked == ["proxy"]

    def test_what_was_not_modified_is_no_problem(self):
        unchanged = httpx.MockTransport(lambda request: httpx.Response(304))

        with connect("http://proxy", transport=lambda: unchanged) as api:
            answer = get_product.sync_detailed("abc", client=api, if_none_match="*")

        assert (answer.status_code, unwrap(answer)) == (304, None)


class TestPages:
    def test_walks_them_all_in_order(self, api):
        placed = [unwrap(place(api)).id for _ in range(5)]

        found = items(lambda at: list_orders.sync_detailed(client=api, cursor=at, limit=2))

        assert [order.id for order in found] == placed[::-1]


class TestLimit:
    def test_waits_as_long_as_the_service_says(self, busy_url):
        with connect(busy_url) as api:
            answers = [list_products.sync_detailed(client=api) for _ in range(5)]

        assert {answer.status_code for answer in answers} == {200}


class TestExample:
    def test_does_what_the_page_says(self, shop):
        command = [sys.executable, "example.py", shop.server.url]
        done = subprocess.run(
            command, cwd=CLIENTS / "python", capture_output=True, text=True, timeout=60
        )

        assert done.returncode == 0, done.stderr
        order, *listed = done.stdout.splitlines()
        assert order.endswith(": 2500 USD")
        assert order.split(":")[0] in listed[0]
