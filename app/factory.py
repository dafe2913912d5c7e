"""The application factory: settings, extensions, hooks, blueprints and commands."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask
from flask.sessions import SessionInterface
from werkzeug.utils import find_modules, import_string

import resources
from app import cli
from app.auth import limits, tokens
from app.db import readiness, replica
from app.db.database import database
from app.errors import handlers
from app.http import api_keys, cors, hosts, proxies, request_id, responses
from app.observability import logging
from app.openapi import api, pages
from app.settings import Settings


class NoSessions(SessionInterface):
    """Disables session cookies: access tokens identify the caller."""

    def open_session(self, *_: Any) -> None:
        return None


class Service(Flask):
    """Flask without async views and session cookies, whose code would slow each request."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Return the WSGI application.

    Raises:
        SettingsError: the settings are incomplete, unreadable or unsafe.
    """
    if settings is None and cli.is_help_requested():
        return cli.commands_only()
    settings = settings or Settings.load()
    app = Service("app", static_url_path="/api/static")
    app.extensions["settings"] = settings
    app.config.from_mapping(flask_config(settings))
    app.url_map.merge_slashes = False
    logging.configure(settings)
    # Flask runs before_request hooks in this order and after_request hooks in reverse order.
    for part in (
        *(request_id, logging, responses, cors, hosts, proxies),
        *(database, readiness, replica, tokens, limits, api_keys),
    ):
        part.init_app(app)
    handlers.init_app(app)
    pages.init_app(app)
    api.init_app(app, blueprints())
    cli.init_app(app)
    return app


def flask_config(settings: Settings) -> dict[str, object]:
    """Return the configuration of Flask and its extensions."""
    return {
        "DEBUG": settings.debug,
        "TESTING": settings.flask_env == "testing",
        "SECRET_KEY": settings.secret_key,
        "PROPAGATE_EXCEPTIONS": False,
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
        **tokens.jwt_config(settings),
        **limits.limits_config(settings),
        **api.openapi_config(resources.TITLE, resources.SUMMARY, resources.DESCRIPTION),
    }


def blueprints() -> list[Blueprint]:
    """Return the blueprint `blp` of every module in the package `resources`."""
    modules = list(find_modules("resources"))
    listed = [f"resources.{noun}" for noun in resources.ORDER]
    ordered = [name for name in listed if name in modules]
    others = [name for name in modules if name not in listed]
    return [import_string(f"{name}:blp") for name in ordered + others]
