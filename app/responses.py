"""How every answer looks: fast JSON, and the headers that keep it safe."""

from typing import Any

import orjson
from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider

CSP = "default-src 'none'; frame-ancestors 'none'"
DEFAULTS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": CSP,
}


class JSONProvider(DefaultJSONProvider):
    """orjson, for answers; requests are read by the parser."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        indented = orjson.OPT_INDENT_2 if kwargs.get("indent") else 0
        return self.encoded(obj, indented).decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        obj = self._prepare_response_obj(args, kwargs)
        return Response(self.encoded(obj), mimetype=self.mimetype)

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
