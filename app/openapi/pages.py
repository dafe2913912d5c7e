"""Base class and rendering of the docs pages."""

import re
from typing import Any

import orjson
from flask import Flask, Response, jsonify, make_response, render_template, request
from markupsafe import Markup, escape

from app.errors.http_errors import MEDIA_TYPE
from app.http.resource import Resource

# Swagger UI and ReDoc add inline styles at run time. ReDoc loads its search worker from a blob URL.
READER_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# These pages have one form: the search.
PAGE_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# On an account page, a script sends the token of the link to the API.
ACCOUNT_CSP = PAGE_CSP.replace("img-src", "script-src 'self'; connect-src 'self'; img-src")


class Page(Resource):
    """Base class of the docs pages: unknown query parameters are allowed."""

    refuses_unknown_parameters = False


def init_app(app: Flask) -> None:
    app.add_template_filter(code)
    app.add_template_filter(indented)


def server_url() -> str:
    """Return the base URL of this server from the request, such as `https://api.example.com`."""
    return request.host_url.rstrip("/")


def page(template: str, policy: str = PAGE_CSP, **content: Any) -> Response:
    """Return an HTML page."""
    response = make_response(render_template(template, **content))
    response.headers["Content-Security-Policy"] = policy
    return response


def text(template: str, media_type: str) -> Response:
    """Return a text page, such as Markdown."""
    return Response(render_template(template), content_type=f"{media_type}; charset=utf-8")


def negotiated(template: str, content: dict[str, Any]) -> Response:
    """Return an HTML page, or the same content as JSON if the client prefers JSON."""
    # A client that prefers problem documents gets application/json, because nothing failed.
    is_html = preferred("text/html", "application/json", MEDIA_TYPE) == "text/html"
    response = page(template, **content) if is_html else jsonify(content)
    response.vary.add("Accept")
    return response


def preferred(*offered: str) -> str:
    """Return the media type that the client prefers; by default, the first one."""
    return request.accept_mimetypes.best_match(offered, default=offered[0])


def code(text: str) -> Markup:
    """Escape the text, and render backticks as `<code>`."""
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def indented(value: Any) -> str:
    """Return the value as indented JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
