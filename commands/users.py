"""`flask users`: accounts."""

import click
from flask.cli import AppGroup

from app.cli import checked, transaction
from models.users import Role
from services import users

command = AppGroup("users", help="Accounts.")


@command.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="The name to show.")
@click.password_option(help="Asked for if it is not given.")
def create_admin(email: str, name: str, password: str) -> None:
    """Create an administrator."""
    account = checked(email=email, password=password, name=name)
    with transaction() as session:
        user = users.register(session, **account, role=Role.ADMIN)
    click.echo(f"Created administrator {user.email} ({user.id}).")
