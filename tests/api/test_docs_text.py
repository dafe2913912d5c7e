"""The start page, the Markdown of the guides, /llms.txt and the search."""

import re

import pytest

import resources
from app.version import __version__

JSON, MARKDOWN = {"Accept": "application/json"}, {"Accept": "text/markdown"}


class TestStart:
    @pytest.mark.parametrize("path", ["/api", "/api/"])
    def test_page_has_the_version_and_a_script_in_each_language(self, client, path):
        page = client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})

        assert page.mimetype == "text/html"
        assert __version__ in page.text
        assert page.text.count("<details") == 3
        for import_of_a_language in ("curl -sf", "import requests", "await fetch"):
            assert import_of_a_language in page.text

    def test_scripts_call_the_server_of_the_page(self, client):
        page = client.get("/api/", headers={"Host": "shop.example.com"}).text
        assert page.count("http://shop.example.com/api") == 4  # three scripts and the base URL
        assert "localhost:5000" not in page

    def test_links_lead_to_served_pages(self, client):
        main = client.get("/api/").text.partition("<main>")[2]
        links = re.findall(r'href="(/[^"]+)"', main)
        assert {"/llms.txt", "/api/openapi.json", "/api/docs", "/api/redoc"} <= set(links)
        for link in links:
            assert client.get(link).status_code == 200, link

    def test_index_is_json_for_a_program(self, client):
        response = client.get("/api/", headers=JSON)

        assert response.mimetype == "application/json"
        assert response.json["version"] == __version__
        for link in response.json["links"].values():
            assert client.get(link).status_code == 200, link


@pytest.mark.parametrize("slug", resources.GUIDES)
class TestMarkdown:
    def test_is_served_by_its_url_and_by_the_accept_header(self, client, slug):
        named = client.get(f"/api/docs/guides/{slug}.md")
        accepted = client.get(f"/api/docs/guides/{slug}", headers=MARKDOWN)

        assert named.content_type == accepted.content_type == "text/markdown; charset=utf-8"
        assert named.text == accepted.text
        assert named.text.startswith("# ")
        assert "Accept" in accepted.vary
        assert "{%" not in named.text

    def test_links_lead_to_markdown(self, client, slug):
        text = client.get(f"/api/docs/guides/{slug}.md").text
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert link.startswith("https://") or client.get(link).mimetype == "text/markdown"

    def test_anchors_of_the_search_are_on_the_page(self, client, slug):
        page = client.get(f"/api/docs/guides/{slug}").text
        headings = re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', page)
        assert len(headings) == page.count("<h2")
        for anchor, heading in headings:
            query = {"q": re.sub("<.*?>", "", heading)}
            found = client.get("/api/docs/search", query_string=query, headers=JSON).json
            urls = [result["url"] for result in found["results"]]
            assert f"/api/docs/guides/{slug}#{anchor}" in urls


class TestLlmsText:
    def test_has_the_form_of_llmstxt_org(self, client):
        response = client.get("/llms.txt")
        title, _, summary, *rest = response.text.splitlines()

        assert response.content_type == "text/plain; charset=utf-8"
        assert title == f"# {resources.TITLE}"
        assert summary == f"> {resources.SUMMARY}"
        lists = "\n".join(rest).split("\n## ")[1:]
        assert [each.partition("\n")[0] for each in lists] == ["Guides", "Reference"]
        for each in lists:
            _, *items = filter(None, each.splitlines())
            assert all(re.fullmatch(r"- \[[^]]+\]\([^)]+\): .+", item) for item in items)

    def test_links_are_absolute_and_lead_to_what_programs_read(self, client):
        links = re.findall(r"\]\(([^)]+)\)", client.get("/llms.txt").text)

        assert len(links) == len(resources.GUIDES) + 3
        for link in links:
            assert link.startswith("http://localhost/")
            response = client.get(link.removeprefix("http://localhost"), headers={"Accept": "*/*"})
            assert response.status_code == 200
        assert f"http://localhost/api/docs/guides/{next(iter(resources.GUIDES))}.md" in links


class TestSearch:
    def search(self, client, query):
        found = client.get("/api/docs/search", query_string={"q": query}, headers=JSON).json
        return [(result["title"], result["url"]) for result in found["results"]]

    def test_finds_each_operation_by_its_method_and_path(self, client, operations):
        for operation in operations:
            title = f"{operation.method.upper()} {operation.path}"
            url = f"/api/docs#/{operation.doc['tags'][0]}/{operation.name}"
            assert (title, url) in self.search(client, title)

    def test_finds_a_section_by_words_in_any_order_and_case(self, client):
        found = self.search(client, "attempts FIVE")
        assert ("Retries: When to retry", "/api/docs/guides/retries#when-to-retry") in found

    def test_lists_titles_before_texts(self, client):
        titles = [title.lower() for title, _ in self.search(client, "retry")]
        hits = ["retry" in title for title in titles]
        assert hits == sorted(hits, reverse=True)
        assert set(hits) == {True, False}

    def test_finds_a_problem_by_its_slug(self, client):
        urls = [url for _, url in self.search(client, "too-many-requests")]
        assert "/api/problems/too-many-requests" in urls

    @pytest.mark.parametrize("query", ["", "  ", "zebra", "\x00", "order zebra", "no-such-word"])
    def test_without_a_match_shows_a_page_without_results(self, client, query):
        assert self.search(client, query) == []
        page = client.get("/api/docs/search", query_string={"q": query})
        assert page.status_code == 200
        assert "<dt>" not in page.text

    def test_query_is_escaped_and_shown_again(self, client):
        page = client.get("/api/docs/search?q=<b>").text
        assert "<b>" not in page
        assert 'value="&lt;b&gt;"' in page

    def test_long_query_is_cut(self, client):
        assert self.search(client, "retry" + " " * 200 + "zebra") == self.search(client, "retry")
