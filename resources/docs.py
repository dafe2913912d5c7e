"""API documentation: start page, OpenAPI document, Swagger UI, ReDoc, guides, search, problems."""

import re
from functools import lru_cache
from typing import Any

import orjson
from apispec import APISpec
from flask import Blueprint, Response, current_app, redirect, render_template
from flask.sansio.blueprints import BlueprintSetupState

import resources
from app.http.access import public
from app.http.parser import query
from app.openapi import search
from app.openapi.pages import (
    ACCOUNT_CSP,
    READER_CSP,
    Page,
    negotiated,
    page,
    preferred,
    server_url,
    text,
)
from app.openapi.problem_pages import description, kinds
from app.openapi.samples import with_samples
from app.version import __version__
from resources import GUIDES
from services.errors import NotFound

blp = Blueprint("docs", __name__, url_prefix="/api")
MARKDOWN = "text/markdown"
# The navigation of every page.
PAGES = [
    ("/api/docs", "Swagger UI"),
    ("/api/redoc", "ReDoc"),
    ("/api/docs/guides", "Guides"),
    ("/api/problems", "Problems"),
]
# The pages that mails link to; the form of a page calls the operation of the same name.
ACCOUNT_PAGES = {
    "verify-email": "Verify your email address",
    "confirm-email": "Confirm your new email address",
    "reset-password": "Set a new password",
}


class Start(Page):
    @public
    def get(self) -> Response:
        """Return the start page."""
        about = {"title": resources.TITLE, "summary": resources.SUMMARY, "version": __version__}
        links = {"openapi": "/api/openapi.json", "llms": "/llms.txt"}
        links |= {name.lower().replace(" ", "_"): path for path, name in PAGES}
        return negotiated("start.html", {**about, "links": links})


class OpenAPIDocument(Page):
    @public
    def get(self) -> Response:
        """Return the OpenAPI document with the URL of this server, for tools that import it."""
        document = _document(current_app.extensions["openapi"], server_url())
        return Response(document, mimetype="application/json")


class SwaggerUI(Page):
    @public
    def get(self) -> Response:
        """Return Swagger UI."""
        return page("swagger_ui.html", READER_CSP)


class ReDoc(Page):
    @public
    def get(self) -> Response:
        """Return ReDoc."""
        return page("redoc.html", READER_CSP)


class Guides(Page):
    @public
    def get(self) -> Response:
        """Return the list of guides."""
        return page("guides.html")


class Guide(Page):
    @public
    def get(self, slug: str) -> Response:
        """Return a guide as HTML, or as Markdown if the client prefers it."""
        if slug not in GUIDES:
            raise NotFound
        if preferred("text/html", MARKDOWN) == MARKDOWN:
            response = text(f"guides/{slug}.md", MARKDOWN)
        else:
            response = page(f"guides/{slug}.html")
        response.vary.add("Accept")
        return response


class GuideMarkdown(Page):
    @public
    def get(self, slug: str) -> Response:
        """Return a guide as Markdown."""
        if slug not in GUIDES:
            raise NotFound
        return text(f"guides/{slug}.md", MARKDOWN)


class Search(Page):
    @public
    def get(self) -> Response:
        """Return the results of a search in guides, operations and problem types."""
        words = query().get("q", "")
        entries: list[search.Entry] = []
        for slug in GUIDES:
            markdown = render_template(f"guides/{slug}.md")
            entries += search.sections(f"/api/docs/guides/{slug}", markdown)
        entries += search.reference(current_app.extensions["openapi"])
        results = search.search(entries, words)
        return negotiated("search.html", {"query": words, "results": results})


class LlmsText(Page):
    @public
    def get(self) -> Response:
        """Return the index for language models (llmstxt.org)."""
        return text("llms.txt", "text/plain")


class Problems(Page):
    @public
    def get(self) -> Response:
        """Return all problem types."""
        problems = [description(kind) for kind in kinds().values()]
        return negotiated("problems.html", {"problems": problems})


class ProblemKind(Page):
    @public
    def get(self, slug: str) -> Response:
        """Return the description of a problem type, with advice."""
        kind = kinds().get(slug)
        if kind is None:
            raise NotFound
        return negotiated("problem.html", description(kind))


class AccountPage(Page):
    @public
    def get(self, action: str) -> Response:
        """Return the page that a mail links to; the token is in the fragment of the URL."""
        if action not in ACCOUNT_PAGES:
            raise NotFound
        return page("account.html", ACCOUNT_CSP, action=action, heading=ACCOUNT_PAGES[action])


class Root(Page):
    @public
    def get(self) -> Any:
        """Redirect to the start page."""
        return redirect("/api/")


blp.add_url_rule("/", view_func=Start.as_view("start"), strict_slashes=False)
blp.add_url_rule("/openapi.json", view_func=OpenAPIDocument.as_view("openapi"))
blp.add_url_rule("/docs", view_func=SwaggerUI.as_view("swagger_ui"))
blp.add_url_rule("/docs/guides", view_func=Guides.as_view("guides"))
blp.add_url_rule("/docs/guides/<slug>", view_func=Guide.as_view("guide"))
blp.add_url_rule("/docs/guides/<slug>.md", view_func=GuideMarkdown.as_view("guide_markdown"))
blp.add_url_rule("/docs/search", view_func=Search.as_view("search"))
blp.add_url_rule("/account/<action>", view_func=AccountPage.as_view("account"))
blp.add_url_rule("/redoc", view_func=ReDoc.as_view("redoc"))
blp.add_url_rule("/problems", view_func=Problems.as_view("problems"))
blp.add_url_rule("/problems/<slug>", view_func=ProblemKind.as_view("problem"))


@blp.record
def add_root_urls(state: BlueprintSetupState) -> None:
    """Add `/llms.txt`; in development, redirect `/`, which is a 404 otherwise."""
    state.app.add_url_rule("/llms.txt", view_func=LlmsText.as_view("docs.llms"))
    if state.app.extensions["settings"].flask_env == "development":
        state.app.add_url_rule("/", view_func=Root.as_view("docs.root"))


@blp.app_context_processor
def common_content() -> dict[str, Any]:
    """Return the variables of all templates."""
    about = {"summary": resources.SUMMARY, "version": __version__, "server": server_url()}
    return {"pages": PAGES, "guides": GUIDES, **about}


@blp.app_template_global()
def quickstart_scripts() -> list[tuple[str, str]]:
    """Return the language and the code of each script of the quickstart."""
    markdown = render_template("guides/quickstart.md")
    return re.findall(r"^```(\w+)\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)


@lru_cache(maxsize=16)
def _document(spec: APISpec, server: str) -> bytes:
    """Return the document as JSON, with samples for this server."""
    servers = [{"url": server, "description": "This server"}]
    document = {**with_samples(spec.to_dict(), server), "servers": servers}
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
