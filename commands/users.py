"""`flask users`: user accounts."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli import checked, transaction
from app.settings import Settings
from models.users import Role
from services import users
from services.passwords import DEMO_PASSWORDS

command = AppGroup("users", help="User accounts.")


@command.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="Display name.")
@click.password_option(help="Prompted for if omitted.")
def create_admin(email: str, name: str, password: str) -> None:
    """Create an administrator."""
    settings: Settings = current_app.extensions["settings"]
    account = checked(email=email, password=password, name=name)
    refused = DEMO_PASSWORDS if settings.production else frozenset()
    with transaction() as session:
        user = users.register(session, **account, role=Role.ADMIN, refused=refused)
    click.echo(f"Created administrator {user.email} ({user.id}).")
