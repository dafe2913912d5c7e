"""Commands of `flask`. They parse, call a service, and tell."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, FlaskGroup, with_appcontext
from flask_smorest.spec import openapi_cli
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import database
from app.settings import Settings
from models.users import Role
from schemas.users import RegistrationSchema
from services import demo, product_import, pruning, users
from services.errors import Problem
from services.passwords import DEMO_PASSWORDS

user_commands = AppGroup("users", help="Accounts.")
product_commands = AppGroup("products", help="The catalogue.")
demo_commands = AppGroup("demo", help="Rows to try the service with.")


def is_asked_for_help() -> bool:
    """Whether `flask` is asked for help, which has to work before there are any settings."""
    context = click.get_current_context(silent=True)
    is_flask = context is not None and isinstance(context.command, FlaskGroup)
    return is_flask and (sys.argv[1:] == [] or sys.argv[-1] == "--help")


def commands_only() -> Flask:
    """No service, but something that has its commands."""
    app = Flask(__name__)
    init_app(app)
    app.cli.add_command(openapi_cli)
    return app


def init_app(app: Flask) -> None:
    for group in (user_commands, product_commands, demo_commands):
        app.cli.add_command(group)
    app.cli.add_command(prune)


@user_commands.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="The name to show.")
@click.password_option(help="Asked for if it is not given.")
def create_admin(email: str, name: str, password: str) -> None:
    """Create an administrator."""
    account = _checked(email=email, password=password, name=name)
    with _transaction() as session:
        user = users.register(session, **account, role=Role.ADMIN)
    click.echo(f"Created administrator {user.email} ({user.id}).")


@product_commands.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_products(file: Path) -> None:
    """Import products from a CSV file: id, name, price, currency, stock, and maybe description.

    The price is in minor units. Products that are there already are updated. A bad line is told
    by its number, and then nothing at all is imported.
    """
    size = file.stat().st_size
    try:
        with (
            file.open("rb") as binary,
            click.progressbar(length=size, label="Importing") as bar,
            _transaction() as session,
        ):
            count = product_import.run(session, binary, bar.update)
    except product_import.BadFileError as error:
        raise click.ClickException(f"{file}: nothing was imported.\n{error}") from error
    click.echo(f"Imported {count} products.")


@demo_commands.command("load")
@click.option("--users", "user_count", default=20, show_default=True, type=click.IntRange(1))
@click.option("--products", "product_count", default=20, show_default=True, type=click.IntRange(1))
@click.option("--orders", "order_count", default=200, show_default=True, type=click.IntRange(0))
@click.option("--email", default="user{n}@example.com", show_default=True, help="{n} counts.")
@click.option("--password", default=demo.USER_PASSWORD, show_default=True, help="Of all users.")
def load_demo(
    user_count: int, product_count: int, order_count: int, email: str, password: str
) -> None:
    """Load demo users, products and orders; what is there already stays, and counts."""
    settings: Settings = current_app.extensions["settings"]
    if settings.production and password in DEMO_PASSWORDS:
        raise click.ClickException("In production, give a --password that nobody can read here.")
    if "{n}" not in email:
        raise click.BadParameter("must have {n} in it", param_hint="--email")
    _checked(email=email.replace("{n}", str(user_count)), password=password)
    sizes = demo.Sizes(user_count, product_count, order_count)
    with _transaction() as session:
        added = demo.load(session, sizes, email, password, accounts=not settings.production)
    click.echo(f"Added {added.users} users, {added.products} products, {added.orders} orders.")


@click.command("prune")
@click.option("--batch", default=1000, show_default=True, type=click.IntRange(1, 100_000))
@with_appcontext
def prune(batch: int) -> None:
    """Erase old idempotency keys and expired sessions, a batch a transaction.

    It can run beside traffic, and beside itself; run it every hour or so.
    """
    for name, erase in (
        ("idempotency keys", pruning.idempotency_keys),
        ("sessions", pruning.sessions),
    ):
        count = erased = _erased(erase, batch)
        while erased == batch:
            erased = _erased(erase, batch)
            count += erased
        click.echo(f"Pruned {count} {name}.")


def _erased(erase: Callable[[Session, int], int], batch: int) -> int:
    with _transaction() as session:
        return erase(session, batch)


def _checked(**account: str) -> dict[str, Any]:
    """What registration would accept; else the command ends."""
    try:
        return RegistrationSchema().load(account)
    except ValidationError as error:
        problems = error.messages_dict.items()
        told = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in problems)
        raise click.ClickException(told) from error


@contextmanager
def _transaction() -> Iterator[Session]:
    """A transaction whose refusals are told in a line, without a trace."""
    try:
        with database.transaction() as session:
            yield session
    except Problem as error:
        raise click.ClickException(str(error)) from error
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise click.ClickException(f"PostgreSQL: {reason}") from error
