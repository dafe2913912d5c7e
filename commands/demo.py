"""`flask demo`: demo users, products and orders."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli import transaction
from app.settings import Settings
from commands.users import checked
from models.products import MAX_STOCK
from services import demo
from services.demo_accounts import USER_PASSWORD
from services.passwords import DEMO_PASSWORDS

command = AppGroup("demo", help="Demo users, products and orders.")


@command.command("load")
@click.option("--users", "user_count", default=20, show_default=True, type=click.IntRange(1))
@click.option("--products", "product_count", default=20, show_default=True, type=click.IntRange(1))
@click.option("--orders", "order_count", default=200, show_default=True, type=click.IntRange(0))
@click.option("--email", default="user{n}@example.com", show_default=True, help="{n}: 1, 2, …")
@click.option("--password", default=USER_PASSWORD, show_default=True, help="Password of all users.")
@click.option("--stock", type=click.IntRange(0, MAX_STOCK), help="Stock of each new product.")
@click.option("--allow-production", is_flag=True, help="Load in production too.")
def load_demo(
    user_count: int,
    product_count: int,
    order_count: int,
    email: str,
    password: str,
    stock: int | None,
    allow_production: bool,
) -> None:
    """Add demo users, products and orders up to these numbers; existing ones do not change."""
    settings: Settings = current_app.extensions["settings"]
    if settings.production:
        check_production(password, allow_production)
    if "{n}" not in email:
        raise click.BadParameter("must contain {n}", param_hint="--email")
    checked(email=email.replace("{n}", str(user_count)), password=password)
    sizes = demo.Sizes(user_count, product_count, order_count)
    with transaction() as session:
        added = demo.load(
            session, sizes, email, password, accounts=not settings.production, stock=stock
        )
    click.echo(f"Added {added.users} users, {added.products} products, {added.orders} orders.")


def check_production(password: str, allowed: bool) -> None:
    """Raise a ClickException if production is not allowed, or if the password is public."""
    if not allowed:
        raise click.ClickException(
            "FLASK_ENV is production, and this command puts demo products on sale; "
            "pass --allow-production to load them anyway."
        )
    if password in DEMO_PASSWORDS:
        raise click.ClickException("The demo password is public; pass --password in production.")
