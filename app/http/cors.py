"""Cross-origin requests (CORS); off unless `CORS_ORIGINS` is set."""

import re

from flask import Flask, Response
from flask_cors import CORS

from app.settings import Settings

SUBDOMAINS = r"(?:[a-z0-9_-]+\.)+"


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    if settings.cors_origins:
        # Pages send tokens in a header, so they need no cookies.
        CORS(
            app,
            origins=[pattern(origin) for origin in settings.cors_origins],
            expose_headers="*",  # browsers accept `*` only without cookies
            supports_credentials=False,
            max_age=600,
            vary_header=False,
        )
        app.after_request(vary)


def pattern(origin: str) -> re.Pattern[str]:
    """Return a regex for an origin of the settings; Flask-CORS itself adds no end anchor."""
    return re.compile(re.escape(origin).replace(re.escape("*."), SUBDOMAINS) + r"\Z")


def vary(response: Response) -> Response:
    """Add `Vary: Origin` to every response, also if the request has no `Origin`."""
    response.vary.add("Origin")
    return response
