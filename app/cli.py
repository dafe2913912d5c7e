"""Commands: `flask users`, `flask products`, `flask demo`. They parse, call a service, and tell."""

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from app.database import database
from app.settings import Settings
from models.users import Role
from schemas.base import Email
from services import demo, product_import, users
from services.errors import Problem
from services.passwords import DEMO_PASSWORDS

user_commands = AppGroup("users", help="Accounts.")
product_commands = AppGroup("products", help="The catalogue.")
demo_commands = AppGroup("demo", help="Rows to try the service with.")


def init_app(app: Flask) -> None:
    for group in (user_commands, product_commands, demo_commands):
        app.cli.add_command(group)


@user_commands.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="The name to show.")
@click.password_option(help="Asked for if it is not given.")
def create_admin(email: str, name: str, password: str) -> None:
    """Create an administrator."""
    if not 8 <= len(password) <= 128:
        raise click.BadParameter("must have 8 to 128 characters", param_hint="password")
    try:
        address = Email().deserialize(email)
        with database.transaction() as session:
            user = users.register(session, address, password, name, role=Role.ADMIN)
    except (Problem, ValueError) as error:
        raise click.ClickException(str(error)) from error
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
            database.transaction() as session,
        ):
            count = product_import.run(session, binary, bar.update)
    except product_import.BadFile as error:
        raise click.ClickException(f"{file}: nothing was imported.\n{error}") from error
    click.echo(f"Imported {count} products.")


@demo_commands.command("load")
@click.option("--users", "user_count", default=20, show_default=True, type=click.IntRange(1))
@click.option("--products", "product_count", default=20, show_default=True, type=click.IntRange(2))
@click.option("--orders", "order_count", default=200, show_default=True, type=click.IntRange(0))
@click.option("--email", default="user{n}@example.com", show_default=True, help="{n} counts.")
@click.option("--password", default=demo.USER_PASSWORD, show_default=True, help="Of all users.")
def load_demo(
    user_count: int, product_count: int, order_count: int, email: str, password: str
) -> None:
    """Load demo users, products and orders, once; what is there already stays."""
    settings: Settings = current_app.extensions["settings"]
    if settings.production and password in DEMO_PASSWORDS:
        raise click.ClickException("In production, give a --password that nobody can read here.")
    if "{n}" not in email:
        raise click.BadParameter("must have {n} in it", param_hint="--email")
    sizes = demo.Sizes(user_count, product_count, order_count)
    with database.transaction() as session:
        demo.load(session, sizes, email, password, accounts=not settings.production)
    click.echo(f"There are {user_count} users, {product_count} products, {order_count} orders.")
