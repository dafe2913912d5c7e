"""The OpenAPI document, made from what the resources declare."""

from typing import Any

from flask import Flask
from flask_smorest import Api

from app.version import __version__
from schemas.problems import ProblemSchema

PATH_PARAMETERS = {
    "order_id": ("The order's id.", "order_01kj6zv8m4f5tbq0c9xn2hd7ea"),
    "product_id": ("The product's id.", "abc"),
    "session_id": ("The session's id.", "session_01kj6zv8m4f5tbq0c9xn2hd7ea"),
    "user_id": ("The user's id.", "user_01kj6zv8m4f5tbq0c9xn2hd7ea"),
}
DESCRIPTION = """\
Accounts, a product catalogue, and orders.

Times are RFC 3339 in UTC. Money is an integer of minor units. Ids are opaque. Every answer of 400
and above is a problem document (RFC 9457). Lists come a page at a time: pass `next_cursor` on as
`cursor`. Send an `Idempotency-Key` with an order, and a retry never orders twice.

Every answer has an `X-Request-ID`. `X-RateLimit-Limit`, `-Remaining` and `-Reset` tell your quota;
after a 429 or a 503, wait as many seconds as `Retry-After` says."""


def openapi_config() -> dict[str, object]:
    return {
        "API_TITLE": "Flask API Service",
        "API_VERSION": __version__,
        "OPENAPI_VERSION": "3.1.0",
        "API_SPEC_OPTIONS": {
            "info": {
                "description": DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/", "description": "The server that this document came from."}],
        },
    }


class ServiceApi(Api):
    """flask-smorest's Api; its own error responses and error handler have no part here."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """app/problems.py renders all errors."""

    def _register_responses(self) -> None:
        """The Blueprint documents the problems of each operation."""

    def _register_pagination_header(self) -> None:
        """Pages come with a cursor; the schema of the header would be documented unused."""


def register_resources(app: Flask) -> None:
    from resources import docs, health, orders, products, sessions, users

    api = ServiceApi(app)
    api.spec.components.security_scheme(
        "bearerAuth",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "`access_token` of `POST /api/auth/login`.",
        },
    )
    api.ma_plugin.converter.add_attribute_function(portable_pattern)
    for blueprint in (sessions.blp, users.blp, products.blp, orders.blp, health.blp):
        api.register_blueprint(blueprint)
    describe_path_parameters(api.spec._paths)
    app.register_blueprint(docs.blp)
    app.extensions["openapi"] = api.spec


def portable_pattern(converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, str]:
    """The field's pattern in the regular expressions of JSON Schema, where `$` is the very end."""
    return {"pattern": ret["pattern"].replace(r"\Z", "$")} if "pattern" in ret else {}


def describe_path_parameters(paths: dict[str, Any]) -> None:
    for path in paths.values():
        for parameter in path.get("parameters", ()):
            description, example = PATH_PARAMETERS[parameter["name"]]
            parameter |= {"description": description, "example": example}
