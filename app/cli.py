"""What commands of `flask` share: discovery, transactions, and errors as one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup
from flask_smorest.spec import openapi_cli
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from werkzeug.utils import find_modules, import_string

from app.db.database import database
from schemas.users import RegistrationSchema
from services.errors import Problem


def is_asked_for_help() -> bool:
    """Return whether this is `flask --help`, which must work without settings."""
    context = click.get_current_context(silent=True)
    is_flask = context is not None and isinstance(context.command, FlaskGroup)
    return is_flask and (sys.argv[1:] == [] or sys.argv[-1] == "--help")


def commands_only() -> Flask:
    """Return an application that has the commands and nothing else."""
    app = Flask(__name__)
    init_app(app)
    app.cli.add_command(openapi_cli)
    return app


def init_app(app: Flask) -> None:
    """Add the command of every module in the package `commands`."""
    for name in find_modules("commands"):
        app.cli.add_command(import_string(f"{name}:command"))


def checked(**account: str) -> dict[str, Any]:
    """Return an account as registration accepts it, or end the command with the errors."""
    try:
        return RegistrationSchema().load(account)
    except ValidationError as error:
        errors = error.messages_dict.items()
        text = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in errors)
        raise click.ClickException(text) from error


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction, and end the command with one line where it fails."""
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
    """Return the errors of a problem with the names of their fields, or else its detail."""
    errors = problem.members.get("errors", ())
    texts = (f"{error['pointer'].lstrip('/')}: {error['detail']}" for error in errors)
    return "; ".join(text.removeprefix(": ") for text in texts) or str(problem)
