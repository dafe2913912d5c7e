"""`flask demo`: rows to try the service with."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli import checked, transaction
from app.settings import Settings
from services import demo
from services.passwords import DEMO_PASSWORDS

command = AppGroup("demo", help="Rows to try the service with.")


@command.command("load")
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
        raise click.ClickException("The demo password is public; pass --password in production.")
    if "{n}" not in email:
        raise click.BadParameter("must have {n} in it", param_hint="--email")
    checked(email=email.replace("{n}", str(user_count)), password=password)
    sizes = demo.Sizes(user_count, product_count, order_count)
    with transaction() as session:
        added = demo.load(session, sizes, email, password, accounts=not settings.production)
    click.echo(f"Added {added.users} users, {added.products} products, {added.orders} orders.")
