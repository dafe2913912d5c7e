"""`flask users`: user accounts."""

import secrets
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from marshmallow import ValidationError

from app.cli import transaction
from app.settings import Settings
from models.users import Role, canonical_email
from schemas.users import RegistrationSchema
from services import account_recovery, second_factors, users
from services.passwords import DEMO_PASSWORDS, Rules

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
    rules = Rules(settings.password_min_length, refused)
    with transaction() as session:
        user = users.register(session, **account, role=Role.ADMIN, rules=rules)
    click.echo(f"Created administrator {user.email} ({user.id}).")


@command.command("verify-email")
@click.argument("email")
def verify_email(email: str) -> None:
    """Mark the address of a user as verified."""
    with transaction() as session:
        user = account_recovery.confirm_address(session, canonical_email(email))
    click.echo(f"The address {user.email} is verified.")


@command.command("set-email")
@click.argument("email")
@click.argument("new_email")
def set_email(email: str, new_email: str) -> None:
    """Change the email address of an account after its mailbox was stolen.

    Ends the sessions, revokes the API keys, and removes the password and the second factor. Then
    the user resets the password.
    """
    new = checked(email=new_email, password=secrets.token_urlsafe(), name="")["email"]
    with transaction() as session:
        user = account_recovery.restore(session, canonical_email(email), new)
    click.echo(f"{user.id} now has the address {user.email}.")


@command.command("remove-second-factor")
@click.argument("email")
def remove_second_factor(email: str) -> None:
    """Turn off the second factor of a user who has lost the device and the recovery codes."""
    with transaction() as session:
        user = second_factors.remove_by_email(session, canonical_email(email))
    click.echo(f"Removed the second factor of {user.email} ({user.id}).")


def checked(**account: str) -> dict[str, Any]:
    """Return the validated account, or end the command with the validation errors."""
    try:
        return RegistrationSchema().load(account)
    except ValidationError as error:
        errors = error.messages_dict.items()
        text = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in errors)
        raise click.ClickException(text) from error
