"""API documentation: OpenAPI document, Swagger UI, ReDoc, guides and problem pages."""

import re
from functools import lru_cache
from typing import Any

import orjson
from apispec import APISpec
from flask import (
    Blueprint,
    Response,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.sansio.blueprints import BlueprintSetupState
from markupsafe import Markup, escape

from app.errors.http_errors import MEDIA_TYPE
from app.http.access import public
from app.http.resource import Resource
from app.openapi.problem_pages import description, kinds
from app.openapi.samples import with_samples
from resources import GUIDES
from services.errors import NotFound

blp = Blueprint("docs", __name__, url_prefix="/api")
# The navigation of every page.
PAGES = [
    ("/api/docs", "Swagger UI"),
    ("/api/redoc", "ReDoc"),
    ("/api/docs/guides", "Guides"),
    ("/api/problems", "Problems"),
]

# Swagger UI and ReDoc add inline styles at run time. ReDoc loads its search worker from a blob URL.
READER_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PAGE_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Page(Resource):
    """Base class of the pages and documents."""

    refuses_unknown_parameters = False


class OpenAPIDocument(Page):
    @public
    def get(self) -> Response:
        """Return the document with the URL of this server, which importing tools need."""
        text = _document(current_app.extensions["openapi"], server_url())
        return Response(text, mimetype="application/json")


class SwaggerUI(Page):
    @public
    def get(self) -> Response:
        """Return Swagger UI."""
        return _page("swagger_ui.html", READER_CSP)


class ReDoc(Page):
    @public
    def get(self) -> Response:
        """Return ReDoc."""
        return _page("redoc.html", READER_CSP)


class Guides(Page):
    @public
    def get(self) -> Response:
        """Return the list of guides."""
        return _page("guides.html", PAGE_CSP)


class Guide(Page):
    @public
    def get(self, slug: str) -> Response:
        """Return a guide that `make docs` rendered from docs/."""
        if slug not in GUIDES:
            raise NotFound
        return _page(f"guides/{slug}.html", PAGE_CSP)


class Start(Page):
    @public
    def get(self) -> Any:
        """Redirect to the docs."""
        return redirect("/api/docs")


class Problems(Page):
    @public
    def get(self) -> Response:
        """Return all problem types."""
        spec = current_app.extensions["openapi"]
        problems = [description(kind, spec) for kind in kinds().values()]
        return _negotiated("problems.html", {"problems": problems})


class ProblemKind(Page):
    @public
    def get(self, slug: str) -> Response:
        """Return the description of a problem type, with advice."""
        kind = kinds().get(slug)
        if kind is None:
            raise NotFound
        return _negotiated("problem.html", description(kind, current_app.extensions["openapi"]))


blp.add_url_rule("/openapi.json", view_func=OpenAPIDocument.as_view("openapi"))
blp.add_url_rule("/docs", view_func=SwaggerUI.as_view("swagger_ui"))
blp.add_url_rule("/docs/guides", view_func=Guides.as_view("guides"))
blp.add_url_rule("/docs/guides/<slug>", view_func=Guide.as_view("guide"))
blp.add_url_rule("/redoc", view_func=ReDoc.as_view("redoc"))
blp.add_url_rule("/problems", view_func=Problems.as_view("problems"))
blp.add_url_rule("/problems/<slug>", view_func=ProblemKind.as_view("problem"))


@blp.record
def redirect_to_docs(state: BlueprintSetupState) -> None:
    """Redirect `/` to the docs in development; elsewhere it is a 404."""
    if state.app.extensions["settings"].flask_env == "development":
        state.app.add_url_rule("/", view_func=Start.as_view("docs.start"))


def server_url() -> str:
    return request.host_url.rstrip("/")


@lru_cache(maxsize=16)
def _document(spec: APISpec, server: str) -> bytes:
    """Return the document as JSON, with samples for this server."""
    servers = [{"url": server, "description": "This server"}]
    document = {**with_samples(spec.to_dict(), server), "servers": servers}
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)


@blp.app_template_filter()
def code(text: str) -> Markup:
    """Escape the text, and render backticks as `<code>`."""
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


@blp.app_template_filter()
def indented(value: Any) -> str:
    """Return the value as indented JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _negotiated(template: str, content: dict[str, Any]) -> Response:
    """Return an HTML page, or the same content as JSON if the client prefers it."""
    offered = ["text/html", "application/json", MEDIA_TYPE]
    preferred = request.accept_mimetypes.best_match(offered, default="text/html")
    # The JSON is application/json even for `MEDIA_TYPE`, because this request did not fail.
    is_html = preferred == "text/html"
    response = _page(template, PAGE_CSP, **content) if is_html else jsonify(content)
    response.vary.add("Accept")
    return response


def _page(template: str, policy: str, **content: Any) -> Response:
    response = make_response(render_template(template, pages=PAGES, guides=GUIDES, **content))
    response.headers["Content-Security-Policy"] = policy
    return response
