"""The shell: everything that is about HTTP and processes, and not about orders."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.sessions import SessionInterface

from app.settings import Settings
from app.version import __version__

__all__ = ["__version__", "create_app"]


class NoSessions(SessionInterface):
    def open_session(self, *_: Any) -> None:
        """Tokens say who somebody is; no cookie is read, signed or set."""


class Service(Flask):
    """Flask, without what this service has not got: coroutines, and sessions in cookies."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application.

    Raises:
        SettingsError: the settings are incomplete, unreadable or unsafe.
    """
    # Imported here, because resources import from this package.
    from app import (
        cli,
        cors,
        hosts,
        limits,
        logging,
        problems,
        replica,
        request_id,
        responses,
    )
    from app.auth import jwt
    from app.database import database
    from app.openapi import register_resources

    if settings is None and cli.is_asked_for_help():
        return cli.commands_only()
    settings = settings or Settings.load()
    app = Service(__name__, static_url_path="/api/static")
    app.extensions["settings"] = settings
    app.config.from_mapping(flask_config(settings))
    app.url_map.merge_slashes = False
    logging.configure(settings)
    # Each of these hooks into the requests. What is first here is first to see a request,
    # and last to see its answer.
    for part in (
        request_id,
        logging,
        responses,
        cors,
        hosts,
        database,
        replica,
        jwt,
        limits,
        problems,
    ):
        part.init_app(app)
    register_resources(app)
    cli.init_app(app)
    return app


def flask_config(settings: Settings) -> dict[str, object]:
    """Our settings in the words of Flask and of its extensions."""
    from app.auth import jwt_config
    from app.openapi import openapi_config

    return {
        "DEBUG": settings.debug,
        "TESTING": settings.flask_env == "testing",
        "SECRET_KEY": settings.secret_key,
        "PROPAGATE_EXCEPTIONS": False,
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
        **jwt_config(settings),
        **openapi_config(),
    }
