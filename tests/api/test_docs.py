"""GET /api/openapi.json, /api/docs, /api/redoc and /api/problems."""

import re
from urllib.parse import urljoin

import pytest

PAGES = ["/api/docs", "/api/redoc"]
PROBLEMS = ["/api/problems", "/api/problems/last-admin"]
ALL = ["/api/openapi.json", *PAGES, *PROBLEMS]


def directives(response) -> dict[str, set[str]]:
    policy = response.headers["Content-Security-Policy"].split("; ")
    return {name: set(sources) for name, *sources in map(str.split, policy)}


def assets(response) -> list[str]:
    """The URLs that the page loads by itself."""
    return re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', response.text)


@pytest.mark.parametrize("path", ALL)
class TestAll:
    @pytest.mark.parametrize("query", ["utm_source=x", "fbclid=x&fbclid=y", "v=2", "=", "a=\xff"])
    def test_unknown_parameters_are_ignored(self, client, path, query):
        assert client.get(path, environ_overrides={"QUERY_STRING": query}).status_code == 200

    def test_unknown_parameters_of_the_api_stay_a_422(self, client, path):
        for api in ("/api/products", "/api/health"):
            assert client.get(f"{api}?utm_source=x").status_code == 422

    def test_other_methods_are_a_405_with_allow(self, client, path):
        answer = client.post(path)

        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]

    def test_frames_are_refused(self, client, path):
        answer = client.get(path)

        assert directives(answer)["frame-ancestors"] == {"'none'"}
        assert answer.headers["X-Frame-Options"] == "DENY"

    def test_nothing_is_allowed_that_is_not_listed(self, client, path):
        assert directives(client.get(path))["default-src"] == {"'none'"}

    def test_are_for_anyone_even_with_a_bad_token(self, client, path):
        assert client.get(path).status_code == 200
        assert client.get(path, headers={"Authorization": "Bearer bad"}).status_code == 200


class TestOpenAPIDocument:
    def test_is_json_with_each_of_our_endpoints(self, client, app):
        answer = client.get("/api/openapi.json")

        ours = {
            rule.rule.replace("<", "{").replace(">", "}")
            for rule in app.url_map.iter_rules()
            if not rule.endpoint.startswith(("docs.", "static"))
        }
        assert answer.mimetype == "application/json"
        assert answer.json["paths"].keys() == ours


    def test_names_the_server_that_it_came_from_by_an_absolute_url(self, client):
        for host in ("localhost", "localhost:8080"):
            answer = client.get("/api/openapi.json", headers={"Host": host})
            assert [server["url"] for server in answer.json["servers"]] == [f"http://{host}"]

    def test_file_names_the_server_of_make_run(self, app):
        (server,) = app.extensions["openapi"].to_dict()["servers"]
        assert server["url"] == "http://127.0.0.1:5000"


@pytest.mark.parametrize("path", PAGES)
class TestPages:
    def test_no_script_is_inline_or_of_another_host(self, client, path):
        answer = client.get(path)

        assert directives(answer)["script-src"] == {"'self'"}
        scripts = re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.DOTALL)
        assert scripts
        for attributes, text in scripts:
            assert ' src="/api/static/' in attributes
            assert text == ""
        assert not re.search(r"\son\w+=|javascript:", answer.text)

    def test_connects_to_its_own_host_only(self, client, path):
        policy = directives(client.get(path))

        sources = set().union(*policy.values())
        assert sources <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
        assert policy["connect-src"] == {"'self'"}

    def test_assets_come_from_the_service_and_are_kept_by_the_browser(self, client, path):
        page = client.get(path)

        assert page.mimetype == "text/html"
        assert len(assets(page)) >= 3
        for url in assets(page):
            answer = client.get(urljoin(path, url))
            assert url.startswith("/api/static/")
            assert answer.status_code == 200
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert int(answer.cache_control.max_age) >= 3600
            assert not answer.cache_control.no_store
            assert answer.headers["ETag"]
            answer.close()


class TestAssets:
    @pytest.mark.parametrize("name", ["absent.js", "../openapi.py", "..%2fopenapi.py", ""])
    def test_what_is_none_of_them_is_a_404(self, client, name):
        assert client.get(f"/api/static/{name}").status_code == 404
