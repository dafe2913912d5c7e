"""The Python client, against the running service."""

import inspect
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.support.factories import PASSWORD
from tests.support.second_factors import enrolled
from tests.support.servers import ROOT
from tests.support.shop import ADDRESS

pytestmark = pytest.mark.clients
pytest.importorskip("flask_api_client.generated", reason="`make clients` has not been run")

from flask_api_client import (
    ApiProblem,
    connect,
    items,
    resume,
    sign_in,
    unwrap,
    with_api_key,
)
from flask_api_client.generated import models
from flask_api_client.generated.api.api_keys import create_api_key
from flask_api_client.generated.api.auth import list_sessions, logout
from flask_api_client.generated.api.orders import create_order, list_orders
from flask_api_client.generated.api.products import get_product, list_products
from flask_api_client.generated.api.users import get_profile
from flask_api_client.generated.models import NewOrder, NewOrderItem, Tokens
from flask_api_client.problems import NotModified

CLIENTS = ROOT / "clients"
NEW_ORDER = NewOrder.from_dict(
    {"items": [{"product_id": "abc", "quantity": 1}], "shipping_address": ADDRESS}
)


@pytest.fixture
def email(shop):
    return shop.account()


@pytest.fixture
def api(shop, email):
    with sign_in(shop.server.url, email, PASSWORD) as api:
        yield api


def place(api, key=None):
    key = key or str(uuid4())
    return create_order.sync_detailed(client=api, body=NEW_ORDER, idempotency_key=key)


class TestSession:
    def test_second_factor_asks_for_a_code(self, shop):
        email = shop.verified_account()
        with sign_in(shop.server.url, email, PASSWORD) as api:
            factor = enrolled(api.get_httpx_client(), email, PASSWORD)
        codes = iter(factor.recovery_codes)

        with pytest.raises(ApiProblem, match="Second factor required"):
            sign_in(shop.server.url, email, PASSWORD)
        with sign_in(shop.server.url, email, PASSWORD, code=lambda: next(codes)) as signed_in:
            assert unwrap(get_profile.sync_detailed(client=signed_in)).email == email
        assert next(codes) == factor.recovery_codes[1]

    def test_signs_in(self, api, email):
        assert unwrap(get_profile.sync_detailed(client=api)).email == email

    def test_wrong_password_is_a_typed_problem(self, shop, email):
        with pytest.raises(ApiProblem) as refused:
            sign_in(shop.server.url, email, "not the password")

        assert refused.value.has_type("wrong-credentials")
        assert refused.value.problem.status == 401
        assert refused.value.problem.request_id in str(refused.value)

    def test_expired_token_is_exchanged_and_the_new_tokens_are_reported(self, shop, email):
        old, kept = Tokens.from_dict(shop.expired_tokens(email)), []

        with resume(shop.server.url, old, keep=kept.append) as api:
            for _ in range(2):
                assert unwrap(get_profile.sync_detailed(client=api)).email == email

        assert [tokens.refresh_token != old.refresh_token for tokens in kept] == [True]
        with resume(shop.server.url, kept[0]) as later:
            assert unwrap(get_profile.sync_detailed(client=later)).email == email

    def test_api_key_needs_no_session_and_a_refused_one_is_not_refreshed(self, shop, api, email):
        body = models.NewAPIKey(name="test", scopes=["profile"])
        key = unwrap(create_api_key.sync_detailed(client=api, body=body)).key

        with with_api_key(shop.server.url, key) as program:
            assert unwrap(get_profile.sync_detailed(client=program)).email == email
            with pytest.raises(ApiProblem) as refused:
                unwrap(list_sessions.sync_detailed(client=program))
        assert refused.value.has_type("forbidden")

        forged = with_api_key(shop.server.url, f"{key[:-1]}-")
        with forged, pytest.raises(ApiProblem) as refused:
            unwrap(get_profile.sync_detailed(client=forged))
        assert refused.value.has_type("unauthenticated")

    def test_twenty_threads_exchange_once(self, shop, email):
        old, kept = Tokens.from_dict(shop.expired_tokens(email)), []

        with resume(shop.server.url, old, keep=kept.append) as api, ThreadPoolExecutor(20) as many:
            responses = list(many.map(lambda _: get_profile.sync_detailed(client=api), range(20)))

        assert {unwrap(response).email for response in responses} == {email}
        assert len(kept) == 1

    def test_ended_session_is_a_typed_problem(self, api):
        assert unwrap(logout.sync_detailed(client=api)) is None

        with pytest.raises(ApiProblem) as refused:
            unwrap(list_sessions.sync_detailed(client=api))

        assert refused.value.has_type("invalid-refresh-token")


class TestModels:
    def test_fields_are_keyword_only(self):
        named = [getattr(models, name) for name in models.__all__]
        classes = [each for each in named if inspect.isclass(each)]
        assert len(classes) > 20
        for each in classes:
            kinds = {field.kind for field in inspect.signature(each).parameters.values()}
            assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, each


class TestOrder:
    def test_lost_response_is_retried_and_one_order_is_placed(self, shop, losing_url, email):
        with sign_in(losing_url, email, PASSWORD) as api:
            response = place(api)
            (listed,) = items(lambda at: list_orders.sync_detailed(client=api, cursor=at))

        assert response.headers["Idempotency-Replayed"] == "true"
        assert listed.id == unwrap(response).id
        assert shop.orders(email) == 1

    def test_lost_response_without_a_key_raises_an_error(self, shop, losing_url, email):
        with sign_in(losing_url, email, PASSWORD) as api, pytest.raises(httpx.TransportError):
            create_order.sync_detailed(client=api, body=NEW_ORDER)

        assert shop.orders(email) == 1

    def test_order_with_an_expired_token_is_placed_once(self, shop, email):
        old = Tokens.from_dict(shop.expired_tokens(email))

        with resume(shop.server.url, old) as api:
            assert unwrap(place(api)).status == "pending"

        assert shop.orders(email) == 1

    def test_out_of_stock_names_the_products(self, api):
        items = [NewOrderItem(product_id="sold-out", quantity=2)]
        sold_out = NewOrder(items=items, shipping_address=NEW_ORDER.shipping_address)

        with pytest.raises(ApiProblem) as refused:
            unwrap(create_order.sync_detailed(client=api, body=sold_out))

        assert refused.value.has_type("out-of-stock")
        (shortage,) = refused.value.problem.products
        assert (shortage.product_id, shortage.available) == ("sold-out", 0)

    def test_invalid_input_has_pointers(self, api):
        nothing = NewOrder(items=[], shipping_address=NEW_ORDER.shipping_address)

        with pytest.raises(ApiProblem) as refused:
            unwrap(create_order.sync_detailed(client=api, body=nothing))

        assert [error.pointer for error in refused.value.problem.errors] == ["/items"]


class TestPages:
    def test_iteration_covers_all_pages_in_order(self, api):
        placed = [unwrap(place(api)).id for _ in range(5)]

        found = items(lambda at: list_orders.sync_detailed(client=api, cursor=at, limit=2))

        assert [order.id for order in found] == placed[::-1]

    def test_iteration_is_complete_while_orders_are_placed(self, api):
        placed = [unwrap(place(api)).id for _ in range(5)]
        found = []

        for order in items(lambda at: list_orders.sync_detailed(client=api, cursor=at, limit=2)):
            found.append(order.id)
            unwrap(place(api))

        assert found == placed[::-1]


class TestConditional:
    def test_current_copy_is_not_sent_again(self, api):
        response = get_product.sync_detailed("abc", client=api)
        etag = response.headers["ETag"]

        with pytest.raises(NotModified):
            unwrap(get_product.sync_detailed("abc", client=api, if_none_match=etag))
        assert (
            unwrap(get_product.sync_detailed("abc", client=api, if_none_match='"old"')).id == "abc"
        )


class TestLimit:
    def test_client_waits_for_retry_after(self, busy_url):
        with connect(busy_url) as api:
            responses = [list_products.sync_detailed(client=api) for _ in range(5)]

        assert {response.status_code for response in responses} == {200}


class TestExample:
    def test_example_of_the_page_works(self, shop):
        command = [sys.executable, "example.py", shop.server.url]
        done = subprocess.run(
            command, cwd=CLIENTS / "python", capture_output=True, text=True, timeout=60
        )

        assert done.returncode == 0, done.stderr
        order, *listed = done.stdout.splitlines()
        assert order.endswith(": 2500 USD")
        assert order.split(":")[0] in listed[0]
