"""Deprecated operations: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) headers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from flask import Response
from werkzeug.http import http_date


@dataclass(frozen=True)
class Deprecation:
    """When clients should stop to use an operation, and when it stops working; both with zone."""

    since: datetime
    sunset: datetime | None = None

    documented: ClassVar[dict[str, Any]] = {
        "Deprecation": {
            "schema": {"type": "string"},
            "description": "`@` and the Unix time of the deprecation (RFC 9745).",
        },
        "Sunset": {
            "schema": {"type": "string"},
            "description": "When the operation stops working (RFC 8594).",
        },
    }

    @property
    def headers(self) -> dict[str, str]:
        sunset = {"Sunset": http_date(self.sunset)} if self.sunset else {}
        return {"Deprecation": f"@{int(self.since.timestamp())}", **sunset}

    def add_headers(self, response: Response) -> Response:
        response.headers.update(self.headers)
        return response

    def document(self) -> dict[str, Any]:
        """Return the documentation of the headers, with their values as examples."""
        return {
            name: {**self.documented[name], "example": value}
            for name, value in self.headers.items()
        }
