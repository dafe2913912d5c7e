"""Helpers for `flask` commands: discovery, transactions and one-line error messages."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup
from flask_smorest.spec import openapi_cli
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from werkzeug.utils import find_modules, import_string

from app.db.database import database
from models.base import Base
from services.errors import Problem


def is_help_requested() -> bool:
    """Return True for `flask` and `flask … --help`, which must work without settings."""
    context = click.get_current_context(silent=True)
    is_flask = context is not None and isinstance(context.command, FlaskGroup)
    return is_flask and (sys.argv[1:] == [] or sys.argv[-1] == "--help")


def commands_only() -> Flask:
    """Return an application with the commands and without resources."""
    app = Flask(__name__)
    init_app(app)
    app.cli.add_command(openapi_cli)
    return app


def init_app(app: Flask) -> None:
    """Register the click command `command` of every module in the package `commands`."""
    for name in find_modules("commands"):
        app.cli.add_command(import_string(f"{name}:command"))
    app.shell_context_processor(shell_names)


def shell_names() -> dict[str, Any]:
    """Return the variables of `flask shell`: a session, `select` and all models."""
    models = {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}
    return {"session": database.session(), "select": select, **models}


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction; on failure, end the command with a one-line message."""
    try:
        with database.transaction() as session:
            yield session
    except Problem as error:
        raise click.ClickException(message(error)) from error
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise click.ClickException(f"PostgreSQL: {reason}") from error
    except PoolTimeoutError as error:
        reason = "The command needs another connection; raise DATABASE_POOL_SIZE."
        raise click.ClickException(reason) from error


def message(problem: Problem) -> str:
    """Return the field errors of a problem, or its detail if there are none."""
    errors = problem.extension_members.get("errors", ())
    texts = (f"{error['pointer'].lstrip('/')}: {error['detail']}" for error in errors)
    return "; ".join(text.removeprefix(": ") for text in texts) or str(problem)
