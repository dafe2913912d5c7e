"""Deprecated operations: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) headers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from flask import Flask, Response, current_app, request
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
            "description": "Time at which the operation stops working (RFC 8594).",
        },
    }

    def __post_init__(self) -> None:
        if any(time and time.tzinfo is None for time in (self.since, self.sunset)):
            raise ValueError("The times of a deprecation need a time zone.")

    @property
    def headers(self) -> dict[str, str]:
        sunset = {"Sunset": http_date(self.sunset)} if self.sunset else {}
        return {"Deprecation": f"@{int(self.since.timestamp())}", **sunset}

    def document(self) -> dict[str, Any]:
        """Return the documentation of the headers, with their values as examples."""
        return {
            name: {**self.documented[name], "example": value}
            for name, value in self.headers.items()
        }


def init_app(app: Flask) -> None:
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add the headers of a deprecated operation, also to errors before its method runs."""
    view: Any = current_app.view_functions.get(request.endpoint or "")
    name = "GET" if request.method == "HEAD" else request.method
    operation = getattr(getattr(view, "view_class", None), "operations", {}).get(name)
    if operation and operation.deprecation:
        response.headers.update(operation.deprecation.headers)
    return response
