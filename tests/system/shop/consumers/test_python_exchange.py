"""How often the Python client exchanges expired tokens, without a service."""

from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

import httpx
import pytest

pytestmark = pytest.mark.clients
pytest.importorskip("flask_api_client.generated", reason="`make clients` has not been run")

from flask_api_client import ApiProblem, resume, unwrap
from flask_api_client.generated.api.orders import list_orders
from flask_api_client.generated.models import Tokens
from flask_api_client.retry import RetryTransport

REFRESH = "/api/auth/refresh"
EMPTY_PAGE = {"items": [], "next_cursor": None}


def error(status, slug, **headers):
    problem = {
        "type": f"/api/problems/{slug}",
        "title": "Refused",
        "status": status,
        "detail": "It is so.",
        "request_id": "1",
    }
    return httpx.Response(status, json=problem, headers=headers)


def tokens_of(name):
    return Tokens(access_token=name, refresh_token=name, token_type="bearer", expires_in=1800)


class Service:
    """Accepts only the access token `new`; `asked` contains the paths of all requests."""

    def __init__(self, exchange):
        self.asked = []
        self.refused = Semaphore(0)
        self.exchange = exchange

    def __call__(self, request):
        self.asked.append(request.url.path)
        if request.url.path.endswith(REFRESH):
            return self.exchange(request)
        if request.headers["Authorization"] == "Bearer new":
            return httpx.Response(200, json=EMPTY_PAGE)
        self.refused.release()
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return error(401, "unauthenticated", **challenge)

    def client(self, base_url="http://service", patience=0, **options):
        def transport():
            return RetryTransport(httpx.MockTransport(self), patience)

        return resume(base_url, tokens_of("old"), transport=transport, **options)


def exchanged(request):
    return httpx.Response(200, json=tokens_of("new").to_dict())


def orders(api):
    return unwrap(list_orders.sync_detailed(client=api))


def test_path_prefix_of_the_base_url_is_kept():
    service = Service(exchanged)

    with service.client("http://proxy/shop/") as api:
        assert orders(api).items == []

    assert service.asked == ["/shop/api/orders", f"/shop{REFRESH}", "/shop/api/orders"]


def test_lost_response_is_retried():
    def exchange(request):
        if service.asked.count(REFRESH) > 1:
            return exchanged(request)
        raise httpx.ReadError("lost")

    service = Service(exchange)

    with service.client(patience=30) as api:
        assert orders(api).items == []


def test_page_of_a_proxy_is_a_typed_problem():
    service = Service(lambda request: httpx.Response(520, html="<h1>Oops</h1>"))

    with service.client() as api, pytest.raises(ApiProblem) as refused:
        orders(api)

    assert refused.value.problem.status == 520


@pytest.mark.parametrize(
    ("failure", "told"),
    [(httpx.ConnectError("away"), httpx.ConnectError), (error(503, "busy"), ApiProblem)],
)
def test_failed_exchange_fails_all_waiting_requests_and_is_tried_again_later(failure, told):
    def exchange(request):
        if service.asked.count(REFRESH) > 1:
            return exchanged(request)
        assert all(service.refused.acquire(timeout=30) for _ in range(8))
        if isinstance(failure, Exception):
            raise failure
        return failure

    def refused(_):
        with pytest.raises(told):
            orders(api)

    service = Service(exchange)
    with service.client() as api, ThreadPoolExecutor(8) as many:
        list(many.map(refused, range(8)))
        assert service.asked.count(REFRESH) == 1
        assert orders(api).items == []


def test_tokens_that_cannot_be_stored_are_reported_and_used():
    def keep(tokens):
        raise OSError("the disk is full")

    service = Service(exchanged)

    with service.client(keep=keep) as api:
        with pytest.raises(OSError, match="full"):
            orders(api)
        assert orders(api).items == []
