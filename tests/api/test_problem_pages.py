"""GET /api/problems and /api/problems/{slug}: the pages of problem types."""

import re

import pytest
from werkzeug.exceptions import default_exceptions

from app.errors.http_errors import BY_STATUS, TYPE_PREFIX
from app.openapi.pages import code
from app.openapi.problem_pages import _descendants, kinds
from services.errors import NotFound, Problem, RefreshTokenReused

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
JSON = {"Accept": "application/json"}


class TestClasses:
    def test_each_class_has_a_detail_and_advice(self, app):
        for kind in _descendants(Problem):
            assert 400 <= kind.status < 600
            assert re.fullmatch("[a-z]+(-[a-z]+)*", kind.slug)
            assert kind.title.strip(".") == kind.title
            assert kind.detail.endswith(".")
            assert kind.advice.endswith(".")

    def test_slugs_are_unique_except_for_subclasses(self, app):
        for kind in _descendants(Problem):
            assert issubclass(kind, kinds()[kind.slug])
        assert RefreshTokenReused.slug in kinds()

    def test_each_http_error_of_werkzeug_has_a_class(self):
        raised_here = {400, 404, 405, 408, 413, 415, 416, 500}
        assert raised_here == BY_STATUS.keys() <= default_exceptions.keys()


class TestIndex:
    def test_index_links_to_the_page_of_each_type(self, client):
        page = client.get("/api/problems", headers=HTML)

        links = re.findall(r'href="/api/problems/([^"]+)"', page.text)
        assert links == list(kinds())
        assert len(links) > 20

    def test_index_is_available_as_json(self, client):
        problems = client.get("/api/problems", headers=JSON).json["problems"]

        assert [problem["type"] for problem in problems] == [TYPE_PREFIX + slug for slug in kinds()]


class TestPage:
    def test_page_shows_the_detail_and_the_advice(self, client):
        for slug, kind in kinds().items():
            page = client.get(TYPE_PREFIX + slug, headers=HTML)
            assert page.mimetype == "text/html"
            for told in (kind.title, kind.detail, kind.advice):
                assert code(told) in page.text, slug

    def test_type_of_an_error_is_the_url_of_its_page(self, client):
        response = client.get("/api/users/me")

        assert client.get(response.json["type"]).status_code == 200

    def test_page_is_json_if_requested(self, client):
        response = client.get("/api/problems/invalid-input", headers=JSON)

        assert response.json["advice"] == kinds()["invalid-input"].advice
        assert response.json["example"]["errors"]

    @pytest.mark.parametrize("url", ["/api/problems", "/api/problems/invalid-input"])
    @pytest.mark.parametrize(
        ("accept", "mimetype"),
        [
            (HTML["Accept"], "text/html"),
            ("*/*", "text/html"),
            ("image/png", "text/html"),
            ("application/json;q=0.4, text/html;q=0.5", "text/html"),
            ("application/problem+json;q=0, */*", "text/html"),
            ("application/json", "application/json"),
            ("application/json, text/plain, */*", "application/json"),
            ("application/problem+json", "application/json"),
            ("application/problem+json, application/json;q=0.9", "application/json"),
            ("text/html;q=0.4, application/problem+json;q=0.5", "application/json"),
            ("application/*, text/html;q=0.9", "application/json"),
        ],
    )
    def test_page_has_the_preferred_media_type(self, client, url, accept, mimetype):
        response = client.get(url, headers={"Accept": accept})

        assert response.mimetype == mimetype
        assert response.vary.as_set() == {"accept"}

    def test_page_is_html_without_a_preference(self, client):
        response = client.get("/api/problems")

        assert (response.mimetype, response.vary.as_set()) == ("text/html", {"accept"})

    def test_unknown_type_returns_404(self, client):
        response = client.get("/api/problems/%3Cscript%3E", headers=HTML)

        assert response.status_code == 404
        assert response.json["type"] == TYPE_PREFIX + NotFound.slug
        assert "<script>" not in response.text

    def test_page_has_no_script_and_no_other_host(self, client):
        page = client.get("/api/problems/invalid-input", headers=HTML)

        policy = page.headers["Content-Security-Policy"]
        assert set(re.findall(r"'\S+'|https?:|data:", policy)) == {"'none'", "'self'"}
        assert "<script" not in page.text
        assert not re.search(r'(?:src|href)="(?!/api/)', page.text)


def test_text_is_escaped_before_code_is_marked():
    assert code("a `<b>` & c") == "a <code>&lt;b&gt;</code> &amp; c"
