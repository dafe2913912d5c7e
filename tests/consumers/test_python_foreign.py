"""What the Python client makes of answers that something on the way gave, without a service."""

import pickle
from functools import partial

import httpx
import pytest

pytestmark = pytest.mark.clients
pytest.importorskip("flask_api_client.generated", reason="`make clients` has not been run")

from flask_api_client import ApiProblem, NotModified, connect, resume, unwrap  # noqa: E402
from flask_api_client.generated.api.orders import cancel_order, list_orders  # noqa: E402
from flask_api_client.generated.api.products import get_product, list_products  # noqa: E402
from flask_api_client.generated.models import Tokens  # noqa: E402

PROBLEM = {
    "type": "/api/problems/unauthenticated",
    "title": "Not signed in",
    "status": 401,
    "detail": "The access token has expired.",
    "request_id": "1",
}
EXPIRED = httpx.Response(
    401,
    json=PROBLEM,
    headers={
        "Content-Type": "application/problem+json",
        "WWW-Authenticate": 'Bearer error="invalid_token"',
    },
)
EMPTY_PAGE = httpx.Response(200, json={"items": [], "next_cursor": None})


def tokens_of(name):
    return Tokens(access_token=name, refresh_token=name, token_type="bearer", expires_in=1800)


def connected(answer):
    """A client whose network gives this answer to everything."""
    return connect("http://proxy", transport=lambda: httpx.MockTransport(lambda request: answer))


def problem_of(answer):
    with connected(answer) as api, pytest.raises(ApiProblem) as refused:
        unwrap(list_products.sync_detailed(client=api))
    return refused.value.problem


class TestRefusal:
    @pytest.mark.parametrize("status", [403, 418, 502, 520, 599, 999])
    def test_is_a_typed_problem_whatever_its_status(self, status):
        assert problem_of(httpx.Response(status, html="<h1>No</h1>")).status == status

    @pytest.mark.parametrize("content", ["", "null", "[1]", '{"title": "Busy"}', '{"title": '])
    def test_is_a_typed_problem_though_it_is_no_whole_document(self, content):
        headers = {"Content-Type": "application/problem+json"}
        problem = problem_of(httpx.Response(403, text=content, headers=headers))

        assert (problem.status, problem.title) == (403, "Forbidden")

    def test_reaches_another_process_whole(self):
        with connected(httpx.Response(403)) as api, pytest.raises(ApiProblem) as refused:
            unwrap(list_products.sync_detailed(client=api))

        copy = pickle.loads(pickle.dumps(refused.value))  # noqa: S301
        assert (str(copy), copy.problem.status) == (str(refused.value), 403)

    def test_of_the_exchange_of_tokens_is_a_typed_problem(self):
        def service(request):
            refreshes = request.url.path.endswith("/refresh")
            return httpx.Response(520, html="<h1>Oops</h1>") if refreshes else EXPIRED

        transport = partial(httpx.MockTransport, service)
        api = resume("http://proxy", tokens_of("old"), transport=transport)
        with api, pytest.raises(ApiProblem) as refused:
            list_orders.sync_detailed(client=api)

        assert refused.value.problem.status == 520

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirect_is_a_typed_problem_and_is_not_followed(self, status):
        asked = []

        def proxy(request):
            asked.append(request.url.host)
            return httpx.Response(status, headers={"Location": "http://other/"})

        api = connect("http://proxy", transport=lambda: httpx.MockTransport(proxy))
        with api, pytest.raises(ApiProblem, match="is elsewhere: http://other/") as refused:
            unwrap(list_products.sync_detailed(client=api))

        assert refused.value.problem.status == status
        assert asked == ["proxy"]


class TestSuccess:
    @pytest.mark.parametrize("status", [200, 201, 203, 299])
    def test_page_of_a_network_that_wants_a_login_says_what_came(self, status):
        problem = problem_of(httpx.Response(status, html="<h1>Welcome to our hotel</h1>"))

        assert problem.status == status
        assert "text/html" in problem.detail
        assert "Welcome to our hotel" in problem.detail

    @pytest.mark.parametrize("content", [b"", b"\xff", b"OK", b'["OK"]', b'{"items": ['])
    def test_without_a_document_is_a_typed_problem(self, content):
        assert problem_of(httpx.Response(200, content=content)).status == 200

    def test_is_told_by_its_beginning(self):
        assert len(problem_of(httpx.Response(200, html="a" * 100_000)).detail) < 300


class TestConditional:
    def test_copy_that_is_current_is_neither_a_problem_nor_a_body(self):
        with connected(httpx.Response(304)) as api:
            answer = get_product.sync_detailed("abc", client=api, if_none_match="*")

        assert answer.status_code == 304
        with pytest.raises(NotModified):
            unwrap(answer)


class TestPath:
    def test_before_the_service_is_kept_by_the_exchange_too(self):
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

    @pytest.mark.parametrize("identifier", ["", ".", "..", "a/b", "../orders", "..\\orders"])
    def test_is_not_changed_by_what_is_no_id(self, identifier):
        with connected(EMPTY_PAGE) as api, pytest.raises(ValueError, match="is no id"):
            cancel_order.sync_detailed(identifier, client=api)

    @pytest.mark.parametrize("identifier", ["%2e%2e", "a?b#c", "ä b", "..."])
    def test_has_the_id_as_it_is(self, identifier):
        asked = []

        def service(request):
            asked.append(request.url.path)
            return httpx.Response(304)

        with connect("http://proxy", transport=lambda: httpx.MockTransport(service)) as api:
            get_product.sync_detailed(identifier, client=api)

        assert asked == [f"/api/products/{identifier}"]
