"""The OpenAPI document, and two ways to read it in a browser."""

from functools import cache

import orjson
from apispec import APISpec
from flask import Blueprint, Response, current_app, make_response, render_template

from app.access import public
from app.resource import Resource

blp = Blueprint("docs", __name__, url_prefix="/api")

# Both pages style themselves while they run. ReDoc searches in a worker that it makes of a blob.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class OpenAPIDocument(Resource):
    @public
    def get(self) -> Response:
        """The document, as JSON."""
        return Response(_document(current_app.extensions["openapi"]), mimetype="application/json")


class SwaggerUI(Resource):
    @public
    def get(self) -> Response:
        """Swagger UI: read, and try it out."""
        return _page("swagger_ui.html")


class ReDoc(Resource):
    @public
    def get(self) -> Response:
        """ReDoc: read."""
        return _page("redoc.html")


blp.add_url_rule("/openapi.json", view_func=OpenAPIDocument.as_view("openapi"))
blp.add_url_rule("/docs", view_func=SwaggerUI.as_view("swagger_ui"))
blp.add_url_rule("/redoc", view_func=ReDoc.as_view("redoc"))


@cache
def _document(spec: APISpec) -> bytes:
    return orjson.dumps(spec.to_dict(), option=orjson.OPT_NON_STR_KEYS)


def _page(template: str) -> Response:
    response = make_response(render_template(template))
    response.headers["Content-Security-Policy"] = CSP
    return response
