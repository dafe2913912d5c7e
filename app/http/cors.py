"""Cross-origin requests (Fetch standard): off, unless `CORS_ORIGINS` names who may."""

from flask import Flask
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
SENT = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"]


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    if settings.cors_origins:
        # Tokens come in a header that a page sets itself, so no credentials of the browser's.
        CORS(
            app,
            origins=list(settings.cors_origins),
            allow_headers=[*SENT, "X-Request-ID"],
            expose_headers=READABLE,
            supports_credentials=False,
            max_age=600,
        )
