"""Cross-origin requests (Fetch standard): off, unless `CORS_ORIGINS` names who may."""

import re

from flask import Flask, Response
from flask_cors import CORS

from app.settings import Settings

READABLE = [
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
]
# Headers that a page may send: those that the service reads, and that need permission (Fetch
# standard, CORS-safelisted request-header).
SENT = [
    "Authorization",
    "Baggage",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Range",
    "Traceparent",
    "Tracestate",
    "User-Agent",
    "X-Request-ID",
]
SUBDOMAINS = r"(?:[a-z0-9_-]+\.)+"


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    if settings.cors_origins:
        # Tokens come in a header that a page sets itself, so no credentials of the browser's.
        CORS(
            app,
            origins=[pattern(origin) for origin in settings.cors_origins],
            allow_headers=SENT,
            expose_headers=READABLE,
            supports_credentials=False,
            max_age=600,
            vary_header=False,
        )
        app.after_request(vary)


def pattern(origin: str) -> re.Pattern[str]:
    """Return what matches an origin of the settings; Flask-CORS matches its beginning only."""
    return re.compile(re.escape(origin).replace(re.escape("*."), SUBDOMAINS) + r"\Z")


def vary(response: Response) -> Response:
    """Tell caches about the header, also in a response to a request without `Origin`."""
    response.vary.add("Origin")
    return response
