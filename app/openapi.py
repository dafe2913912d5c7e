"""The OpenAPI document, made from what the resources declare."""

from typing import Any

from flask import Flask
from flask_smorest import Api

from app import limits, request_id
from app.api_description import DESCRIPTION
from app.version import __version__
from schemas.ids import IDS
from schemas.problems import ProblemSchema

BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The `access_token` of `POST /api/auth/login` or `/api/auth/refresh`, in the "
    "header `Authorization: Bearer …`. It is good for `expires_in` seconds; after that, and not "
    "at each request, exchange the `refresh_token` for new ones.",
}
INT32 = 2**31 - 1


def openapi_config() -> dict[str, object]:
    return {
        "API_TITLE": "Flask API Service",
        "API_VERSION": __version__,
        "OPENAPI_VERSION": "3.1.0",
        "API_SPEC_OPTIONS": {
            "info": {
                "summary": "Accounts, a product catalogue, and orders.",
                "description": DESCRIPTION,
                "contact": {"name": "Whoever runs the service that this document came from"},
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
    api.spec.components.security_scheme("bearerAuth", BEARER)
    api.ma_plugin.converter.add_attribute_function(portable_pattern)
    api.ma_plugin.converter.add_attribute_function(width)
    for blueprint in (sessions.blp, users.blp, products.blp, orders.blp, health.blp):
        api.register_blueprint(blueprint)
    describe_path_parameters(api.spec._paths)
    describe_headers(api.spec)
    app.register_blueprint(docs.blp)
    app.extensions["openapi"] = api.spec


def portable_pattern(converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, str]:
    """The field's pattern in the regular expressions of JSON Schema, where `$` is the very end."""
    return {"pattern": ret["pattern"].replace(r"\Z", "$")} if "pattern" in ret else {}


def width(converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, str]:
    """How many bits the field's integers take, which is what many languages ask first."""
    if "integer" not in ret.get("type", ()):
        return {}
    return {"format": "int32" if ret["maximum"] <= INT32 else "int64"}


def describe_path_parameters(paths: dict[str, Any]) -> None:
    for path in paths.values():
        for parameter in path.get("parameters", ()):
            about = IDS[parameter["name"]]
            parameter |= {"description": about["description"], "example": about["example"]}
            parameter["schema"]["pattern"] = about["pattern"].replace(r"\Z", "$")


def describe_headers(spec: Any) -> None:
    """Headers that are on every answer, or on every one that counts against a limit."""
    for name, header in {**request_id.DOCUMENTED, **limits.DOCUMENTED}.items():
        spec.components.header(name, header)
    for path, item in spec._paths.items():
        counted = () if path in limits.UNLIMITED else limits.DOCUMENTED
        for operation in (item[method] for method in item.keys() - {"parameters"}):
            for response in operation["responses"].values():
                common = {name: _header(name) for name in (*request_id.DOCUMENTED, *counted)}
                response["headers"] = {**response.get("headers", {}), **common}


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
