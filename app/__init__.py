"""The Flask application; the package `resources` contains its resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.version import __version__

if TYPE_CHECKING:
    from flask import Flask

    from app.settings import Settings

__all__ = ["__version__", "create_app"]


def create_app(settings: Settings | None = None) -> Flask:
    """Return the WSGI application; see app/factory.py.

    Raises:
        SettingsError: the settings are incomplete, unreadable or unsafe.
    """
    # Imported here, because migrations import this package but do not need the application.
    from app.factory import create_app

    return create_app(settings)
