"""Configuration and plugins of the OpenAPI document (flask-smorest, apispec)."""

from collections.abc import Iterable
from typing import Any

import flask
import flask_smorest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from werkzeug.exceptions import HTTPException

from app.errors.handlers import from_http
from app.openapi.operations import OperationPlugin
from app.version import __version__
from schemas.api_keys import KeyScope
from schemas.problems import problem_schema
from schemas.webhook_messages import webhooks

INT32 = 2**31 - 1


def openapi_config(title: str, summary: str, description: str) -> dict[str, object]:
    """Return the configuration of flask-smorest."""
    return {
        "API_TITLE": title,
        "API_VERSION": __version__,
        "OPENAPI_VERSION": "3.1.0",
        "API_SPEC_OPTIONS": {
            "info": {
                "summary": summary,
                "description": description,
                "contact": {"name": "API support"},
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "http://127.0.0.1:5000", "description": "`make run`"}],
        },
    }


class ServiceApi(flask_smorest.Api):
    """Api of flask-smorest, with the error responses of app/errors/handlers.py."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Return the problem document with headers such as `Allow`; flask-smorest drops them."""
        return from_http(error)

    def _register_pagination_header(self) -> None:
        """Register no pagination header, because lists use cursors instead."""


class SchemaPlugin(MarshmallowPlugin):
    """Plugin of apispec for marshmallow: patterns, integer formats and the schema `KeyScope`."""

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        converter: Any = self.converter
        converter.add_attribute_function(portable_pattern)
        converter.add_attribute_function(integer_format)
        converter.add_attribute_function(key_scope)


def init_app(app: Flask, blueprints: Iterable[flask.Blueprint]) -> None:
    """Register the blueprints; the OpenAPI document contains those of flask-smorest, in order."""
    plugins = {"marshmallow_plugin": SchemaPlugin(), "extra_plugins": [OperationPlugin(app)]}
    api = ServiceApi()
    api.ERROR_SCHEMA = problem_schema()
    api.init_app(app, spec_kwargs=plugins)
    for blueprint in blueprints:
        documented = isinstance(blueprint, flask_smorest.Blueprint)
        (api if documented else app).register_blueprint(blueprint)
    api.spec.options["webhooks"] = webhooks()
    app.extensions["openapi"] = api.spec


def portable_pattern(converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, str]:
    """Return a Python pattern as a JSON Schema pattern, whose `$` matches only at the end."""
    return {"pattern": ret["pattern"].replace(r"\Z", "$")} if "pattern" in ret else {}


def integer_format(converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, str]:
    """Return `int32` or `int64` for an integer; generated clients choose their type by it."""
    if "integer" not in ret.get("type", ()):
        return {}
    return {"format": "int32" if ret["maximum"] <= INT32 else "int64"}


def key_scope(converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, str]:
    """Return a reference to the schema `KeyScope`; an inline enum breaks generated Java code."""
    if not isinstance(field, KeyScope):
        return {}
    converter.spec.components.schemas.setdefault("KeyScope", ret.copy())
    ret.clear()
    return {"$ref": "#/components/schemas/KeyScope"}
