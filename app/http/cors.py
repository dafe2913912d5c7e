"""Cross-origin requests (CORS); off unless `CORS_ORIGINS` is set."""

import re

from flask import Flask, Response
from flask_cors import CORS

from app.settings import Settings

EXPOSED_HEADERS = [
    "Allow",
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Sunset",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
]
# Request headers that the service reads and that need permission (Fetch standard,
# CORS-safelisted request-header).
ALLOWED_HEADERS = [
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
        # Pages send tokens in a header, so the browser's own credentials are not needed.
        CORS(
            app,
            origins=[pattern(origin) for origin in settings.cors_origins],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            supports_credentials=False,
            max_age=600,
            vary_header=False,
        )
        app.after_request(vary)


def pattern(origin: str) -> re.Pattern[str]:
    """Return a regex for an origin of the settings, with an end anchor that Flask-CORS lacks."""
    return re.compile(re.escape(origin).replace(re.escape("*."), SUBDOMAINS) + r"\Z")


def vary(response: Response) -> Response:
    """Add `Vary: Origin` to every response, also without `Origin` in the request."""
    response.vary.add("Origin")
    return response
