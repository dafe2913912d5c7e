"""How every answer looks: fast JSON, and the headers that keep it safe."""

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


class JSONAnswer(Response):
    """An answer that knows its length, and whose Location is ASCII."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """The headers as they are, where nothing of them has to be corrected.

        Werkzeug copies them to see to that, and checks the value of each once more.
        """
        return self.headers if self.status_code in {200, 201} else super().get_wsgi_headers(environ)


class JSONProvider(DefaultJSONProvider):
    """orjson, for answers; requests are read by the parser."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        indented = orjson.OPT_INDENT_2 if kwargs.get("indent") else 0
        return self.encoded(obj, indented).decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        obj = self._prepare_response_obj(args, kwargs)
        return JSONAnswer(self.encoded(obj), mimetype=self.mimetype)

    @staticmethod
    def encoded(obj: Any, option: int = 0) -> bytes:
        """JSON; times end in `Z`, because they all are in UTC."""
        return orjson.dumps(obj, DefaultJSONProvider.default, orjson.OPT_UTC_Z | option)


def init_app(app: Flask) -> None:
    app.json = JSONProvider(app)
    app.after_request(protect)


def protect(response: Response) -> Response:
    """Headers against being sniffed, framed, or kept where others can find it."""
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
