"""GET /api/, /api/openapi.json, /api/docs, /api/redoc and /api/problems."""

import re
from urllib.parse import urljoin

import pytest

import resources
from tools import guides

PAGES = ["/api/docs", "/api/redoc"]
GUIDES = ["/api/docs/guides", *(f"/api/docs/guides/{slug}" for slug in resources.GUIDES)]
PROBLEMS = ["/api/problems", "/api/problems/last-admin"]
OTHERS = ["/api/", "/api/docs/search"]
TEXTS = ["/api/docs/guides/quickstart.md", "/llms.txt", "/api/openapi.json"]
ALL = [*TEXTS, *OTHERS, *PAGES, *GUIDES, *PROBLEMS]


def directives(response) -> dict[str, set[str]]:
    policy = response.headers["Content-Security-Policy"].split("; ")
    return {name: set(sources) for name, *sources in map(str.split, policy)}


def assets(response) -> list[str]:
    """Return the URLs that the page loads."""
    return re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', response.text)


@pytest.mark.parametrize("path", ALL)
class TestAll:
    @pytest.mark.parametrize("query", ["utm_source=x", "fbclid=x&fbclid=y", "v=2", "=", "a=\xff"])
    def test_unknown_parameters_are_ignored(self, client, path, query):
        # The search reads its query, so raw bytes are an error there.
        expected = 400 if (path, query) == ("/api/docs/search", "a=\xff") else 200
        response = client.get(path, environ_overrides={"QUERY_STRING": query})
        assert response.status_code == expected

    def test_unknown_parameters_of_the_api_return_422(self, client, path):
        for api in ("/api/health", "/api/health/live"):
            assert client.get(f"{api}?utm_source=x").status_code == 422

    def test_other_methods_return_405_with_allow(self, client, path):
        response = client.post(path)

        assert response.status_code == 405
        assert "GET" in response.headers["Allow"]

    def test_pages_cannot_be_framed(self, client, path):
        response = client.get(path)

        assert directives(response)["frame-ancestors"] == {"'none'"}
        assert response.headers["X-Frame-Options"] == "DENY"

    def test_csp_denies_by_default(self, client, path):
        assert directives(client.get(path))["default-src"] == {"'none'"}

    def test_pages_are_public_also_with_an_invalid_token(self, client, path):
        assert client.get(path).status_code == 200
        assert client.get(path, headers={"Authorization": "Bearer bad"}).status_code == 200


class TestOpenAPIDocument:
    def test_document_is_json_with_all_endpoints(self, client, app):
        response = client.get("/api/openapi.json")

        ours = {
            rule.rule.replace("<", "{").replace(">", "}")
            for rule in app.url_map.iter_rules()
            if not rule.endpoint.startswith(("docs.", "static"))
        }
        assert response.mimetype == "application/json"
        assert response.json["paths"].keys() == ours

    def test_document_has_the_absolute_url_of_its_server(self, client):
        for host in ("localhost", "localhost:8080"):
            response = client.get("/api/openapi.json", headers={"Host": host})
            assert [server["url"] for server in response.json["servers"]] == [f"http://{host}"]

    def test_file_names_the_server_of_make_run(self, app):
        (server,) = app.extensions["openapi"].to_dict()["servers"]
        assert server["url"] == "http://127.0.0.1:5000"


@pytest.mark.parametrize("path", PAGES)
class TestPages:
    def test_no_script_is_inline_or_of_another_host(self, client, path):
        response = client.get(path)

        assert directives(response)["script-src"] == {"'self'"}
        scripts = re.findall(r"<script([^>]*)>(.*?)</script>", response.text, re.DOTALL)
        assert scripts
        for attributes, text in scripts:
            assert ' src="/api/static/' in attributes
            assert text == ""
        assert not re.search(r"\son\w+=|javascript:", response.text)

    def test_pages_connect_only_to_their_own_host(self, client, path):
        policy = directives(client.get(path))

        sources = set().union(*policy.values())
        assert sources <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
        assert policy["connect-src"] == {"'self'"}

    def test_assets_are_served_and_cacheable(self, client, path):
        page = client.get(path)

        assert page.mimetype == "text/html"
        assert len(assets(page)) >= 3
        for url in assets(page):
            response = client.get(urljoin(path, url))
            assert url.startswith("/api/static/")
            assert response.status_code == 200
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert int(response.cache_control.max_age) >= 3600
            assert not response.cache_control.no_store
            assert response.headers["ETag"]
            response.close()


@pytest.mark.parametrize("path", [*OTHERS, *PAGES, *GUIDES, *PROBLEMS])
class TestHeader:
    def test_header_shows_the_logo_and_links_to_every_page(self, client, path):
        page = client.get(path, headers={"Accept": "text/html"})

        assert 'rel="icon" href="/api/static/mark.svg"' in page.text
        header = page.text.partition("<header>")[2].partition("</header>")[0]
        assert '<img src="/api/static/mark.svg"' in header
        assert resources.TITLE in header
        links = re.findall(r'href="([^"]+)"', header)
        assert links == ["/api/", *PAGES, "/api/docs/guides", "/api/problems"]
        assert all(client.get(link).status_code == 200 for link in links)
        assert '<form action="/api/docs/search"' in header
        assert directives(page)["form-action"] == {"'self'"}


class TestGuides:
    def test_list_links_to_each_guide(self, client):
        page = client.get("/api/docs/guides").text
        assert all(f'href="/api/docs/guides/{slug}"' in page for slug in resources.GUIDES)

    @pytest.mark.parametrize("slug", resources.GUIDES)
    def test_guides_equal_the_rendered_docs(self, client, slug):
        """`make docs` renders them."""
        assert (guides.FOLDER / f"{slug}.html").read_text() == guides.html(slug)
        assert (guides.FOLDER / f"{slug}.md").read_text() == guides.markdown(slug)

    @pytest.mark.parametrize("slug", resources.GUIDES)
    def test_links_resolve_or_are_external(self, client, slug):
        main = client.get(f"/api/docs/guides/{slug}").text.partition("<main>")[2]
        text = re.sub(r"<(pre|code)>.*?</\1>", "", main, flags=re.DOTALL)
        assert "[" not in text, "a link by reference whose target is not served"
        for link in re.findall(r'href="([^"]+)"', main):
            assert link.startswith("https://") or client.get(link).status_code == 200, link

    @pytest.mark.parametrize("slug", ["absent", "..%2fpage", "Retries"])
    def test_unknown_guide_returns_404(self, client, slug):
        assert client.get(f"/api/docs/guides/{slug}").status_code == 404

    def test_description_is_short_and_links_to_each_guide(self, document):
        told = document["info"]["description"]
        assert all(f"(/api/docs/guides/{slug})" in told for slug in resources.GUIDES)
        assert len(told) < 600


class TestRoot:
    def test_root_redirects_to_the_docs_in_development(self, make_app):
        client = make_app(flask_env="development").test_client()
        for path in ("/", "/?utm_source=x"):
            response = client.get(path)
            assert (response.status_code, response.location) == (302, "/api/")

    def test_root_returns_404_in_other_environments(self, client):
        assert client.get("/").status_code == 404


class TestAssets:
    @pytest.mark.parametrize("name", ["absent.js", "../openapi.py", "..%2fopenapi.py", ""])
    def test_unknown_asset_returns_404(self, client, name):
        assert client.get(f"/api/static/{name}").status_code == 404
