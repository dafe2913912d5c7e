"""Output and errors of the `flask` commands."""

import dataclasses

import click
import pytest
from sqlalchemy import select

from app import cli
from models.second_factors import SecondFactor
from models.users import Role, User
from services import passwords
from services.errors import InvalidInput, NotFound
from tests.support.commands import count, refused
from tests.support.factories import UserFactory


class TestCreateAdmin:
    @pytest.mark.parametrize(
        ("email", "password", "told"),
        [
            ("invalid", "long enough", "email: Not a valid email address."),
            ("a@" + "b" * 250 + ".com", "long enough", "email: "),
            ("ada@example.com", "short", "password: Length must be between 8 and 128."),
            ("ada@example.com", "x" * 129, "password: Length must be between 8 and 128."),
            ("ada@example.com", "password1", "password: This password is too common"),
            ("ada@example.com", "\udcff" * 9, "password: Must not contain lone surrogates."),
        ],
    )
    def test_invalid_account_is_an_error_of_one_line(self, flask, session, email, password, told):
        refused(flask("users", "create-admin", email, "--password", password), told)

        assert count(session, User) == 0

    def test_all_errors_are_printed(self, flask):
        refused(
            flask("users", "create-admin", "invalid", "--password", "x"), "email: ", "password:"
        )

    def test_existing_address_is_rejected_in_every_spelling(self, flask, session):
        UserFactory(email="ada@example.com")

        result = flask("users", "create-admin", "Ada@Example.com", "--password", "long enough")

        refused(result, "account with this email")
        assert session.scalars(select(User.role)).all() == [Role.USER]

    def test_documented_password_is_rejected_in_production(self, flask, session, production):
        args = ("ada@example.com", "--password", "securepassword123")

        refused(flask("users", "create-admin", *args), "password: ")
        assert count(session, User) == 0

    def test_setting_requires_a_longer_password(self, app, flask, session, monkeypatch):
        settings = dataclasses.replace(app.extensions["settings"], password_min_length=15)
        monkeypatch.setitem(app.extensions, "settings", settings)
        args = ("users", "create-admin", "ada@example.com", "--password")

        refused(flask(*args, "x" * 14), "password: Shorter than minimum length 15.")
        assert flask(*args, "fifteen letters").exit_code == 0

    def test_unavailable_database_is_an_error_of_one_line(self, flask, no_database):
        refused(
            flask("users", "create-admin", "ada@example.com", "--password", "long enough"),
            "PostgreSQL: connection to server",
        )

    def test_password_is_prompted_twice_and_not_shown(self, flask, session):
        result = flask(
            "users", "create-admin", "Ada@Example.com", input="long enough\nlong enough\n"
        )

        assert result.exit_code == 0
        assert "long enough" not in result.output
        user = session.scalars(select(User)).one()
        assert (user.email, user.role) == ("ada@example.com", Role.ADMIN)
        assert passwords.matches("long enough", user.password_hash)

    def test_name_and_password_as_options(self, flask, session):
        args = ("--name", "Ada", "--password", "long enough")

        assert "ada@example.com" in flask("users", "create-admin", "ada@example.com", *args).stdout
        assert session.scalars(select(User.name)).all() == ["Ada"]


class TestRemoveSecondFactor:
    def test_turns_it_off_once(self, flask, session):
        user = UserFactory(second_factor=True)
        session.add(SecondFactor(user_id=user.id, secret="A" * 32, confirmed_at=user.created_at))
        session.commit()

        assert flask("users", "remove-second-factor", user.email.upper()).exit_code == 0
        session.refresh(user)
        assert (count(session, SecondFactor), user.second_factor) == (0, False)
        refused(flask("users", "remove-second-factor", user.email), "does not exist")


class TestTransaction:
    @pytest.mark.parametrize(
        ("problem", "text"),
        [
            (
                InvalidInput.at(["/password", "/name"], "Too bad."),
                "password: Too bad.; name: Too bad.",
            ),
            (InvalidInput.at([""], "Too bad."), "Too bad."),
            (InvalidInput("No list of errors."), "No list of errors."),
            (NotFound("No such user."), "No such user."),
        ],
    )
    def test_error_of_a_service_is_printed_with_all_its_errors(self, app, problem, text):
        with (
            app.app_context(),
            pytest.raises(click.ClickException) as caught,
            cli.transaction(),
        ):
            raise problem

        assert caught.value.message == text
