"""Responses from intermediaries in the Python client, without a service."""

import pickle

import httpx
import pytest

pytestmark = pytest.mark.clients
pytest.importorskip("flask_api_client.generated", reason="`make clients` has not been run")

from flask_api_client import ApiProblem, NotModified, connect, unwrap
from flask_api_client.generated.api.orders import cancel_order
from flask_api_client.generated.api.products import get_product, list_products

PROBLEM = {
    "type": "/api/problems/too-many-requests",
    "title": "Too many requests",
    "status": 429,
    "detail": "Come back later.",
    "request_id": "1",
}


def connected(response):
    """Return a client that gets this response to every request."""
    return connect("http://proxy", transport=lambda: httpx.MockTransport(lambda request: response))


def problem_of(response):
    with connected(response) as api, pytest.raises(ApiProblem) as refused:
        unwrap(list_products.sync_detailed(client=api))
    return refused.value.problem


class TestError:
    @pytest.mark.parametrize("status", [403, 418, 502, 520, 599, 999])
    def test_any_error_status_is_a_typed_problem(self, status):
        assert problem_of(httpx.Response(status, html="<h1>No</h1>")).status == status

    @pytest.mark.parametrize("content", ["", "null", "[1]", '{"title": "Busy"}', '{"title": '])
    def test_incomplete_document_is_a_typed_problem(self, content):
        headers = {"Content-Type": "application/problem+json"}
        problem = problem_of(httpx.Response(403, text=content, headers=headers))

        assert (problem.status, problem.title) == (403, "Forbidden")

    @pytest.mark.parametrize("document", [{}, PROBLEM])
    def test_problem_has_headers_and_can_be_pickled(self, document):
        response = httpx.Response(429, json=document, headers={"Retry-After": "60"})

        with connected(response) as api, pytest.raises(ApiProblem) as refused:
            unwrap(list_products.sync_detailed(client=api))

        copy = pickle.loads(pickle.dumps(refused.value))  # noqa: S301
        assert (str(copy), copy.problem.status) == (str(refused.value), 429)
        assert copy.headers["Retry-After"] == "60"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirect_is_a_typed_problem_and_is_not_followed(self, status):
        asked = []

        def proxy(request):
            asked.append(request.url.host)
            return httpx.Response(status, headers={"Location": "http://other/"})

        api = connect("http://proxy", transport=lambda: httpx.MockTransport(proxy))
        with api, pytest.raises(ApiProblem, match="redirects to http://other/") as refused:
            unwrap(list_products.sync_detailed(client=api))

        assert refused.value.problem.status == status
        assert asked == ["proxy"]


class TestSuccess:
    @pytest.mark.parametrize("status", [200, 201, 203, 299])
    def test_page_of_a_captive_portal_is_a_typed_problem(self, status):
        problem = problem_of(httpx.Response(status, html="<h1>Welcome to our hotel</h1>"))

        assert problem.status == status
        assert "text/html" in problem.detail
        assert "Welcome to our hotel" in problem.detail

    @pytest.mark.parametrize("content", [b"", b"\xff", b"OK", b'["OK"]', b'{"items": ['])
    def test_success_without_a_document_is_a_typed_problem(self, content):
        assert problem_of(httpx.Response(200, content=content)).status == 200

    def test_detail_is_truncated(self):
        assert len(problem_of(httpx.Response(200, html="a" * 100_000)).detail) < 300


class TestConditional:
    def test_current_copy_returns_no_body(self):
        with connected(httpx.Response(304)) as api:
            response = get_product.sync_detailed("abc", client=api, if_none_match="*")

        assert response.status_code == 304
        with pytest.raises(NotModified):
            unwrap(response)


class TestPath:
    @pytest.mark.parametrize("identifier", ["", ".", "..", "a/b", "../orders", "..\\orders"])
    def test_invalid_id_does_not_change_the_path(self, identifier):
        with connected(httpx.Response(304)) as api, pytest.raises(ValueError, match="is not an id"):
            cancel_order.sync_detailed(identifier, client=api)

    @pytest.mark.parametrize("identifier", ["%2e%2e", "a?b#c", "ä b", "..."])
    def test_valid_id_is_in_the_path(self, identifier):
        asked = []

        def service(request):
            asked.append(request.url.path)
            return httpx.Response(304)

        with connect("http://proxy", transport=lambda: httpx.MockTransport(service)) as api:
            get_product.sync_detailed(identifier, client=api)

        assert asked == [f"/api/products/{identifier}"]
