"""Responses: JSON encoding (orjson) and security headers."""

from typing import Any

import orjson
from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.datastructures import Headers

CSP = "default-src 'none'; frame-ancestors 'none'"
DEFAULTS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": CSP,
}


class JSONResponse(Response):
    """JSON response with a Content-Length; its Location, if any, is ASCII."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """Return the headers of a 200 or 201 unchanged, for speed.

        Werkzeug would copy them to set the Content-Length and to encode the Location.
        """
        return self.headers if self.status_code in {200, 201} else super().get_wsgi_headers(environ)


class JSONProvider(DefaultJSONProvider):
    """Encodes responses with orjson; app/http/parser.py decodes requests."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        indented = orjson.OPT_INDENT_2 if kwargs.get("indent") else 0
        return self.encoded(obj, indented).decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        obj = self._prepare_response_obj(args, kwargs)
        return JSONResponse(self.encoded(obj), mimetype=self.mimetype)

    @staticmethod
    def encoded(obj: Any, option: int = 0) -> bytes:
        """Return JSON; all times are in UTC and end in `Z`."""
        return orjson.dumps(obj, DefaultJSONProvider.default, orjson.OPT_UTC_Z | option)


def accepted() -> Response:
    """Return a 202 without a body; flask-smorest would send `null`."""
    response = Response(status=202)
    del response.headers["Content-Type"]
    return response


def init_app(app: Flask) -> None:
    app.json = JSONProvider(app)
    app.after_request(protect)


def protect(response: Response) -> Response:
    """Add headers against MIME sniffing, framing and caching."""
    headers = response.headers
    given = {name.lower() for name, _ in headers}
    for name, value in DEFAULTS.items():
        if name.lower() not in given:
            headers.add(name, value)
    if "cache-control" not in given:
        private = "Authorization" in request.headers or request.method not in {"GET", "HEAD"}
        headers.add("Cache-Control", "private, no-store" if private else "no-store")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
