"""Factories of rows (factory_boy): the base class, and users."""

from datetime import UTC, datetime

import factory
from argon2 import PasswordHasher
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.orm import Session

from models.users import Role, User

PASSWORD = "correct horse battery staple"
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD_HASH = CHEAP_HASHER.hash(PASSWORD)


class Factory(SQLAlchemyModelFactory):
    """Base class of all factories; the fixture `session` connects them with the database."""

    class Meta:
        abstract = True
        sqlalchemy_session_persistence = "commit"


class UserFactory(Factory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    password_hash = PASSWORD_HASH
    name = factory.Sequence(lambda n: f"Person {n}")
    role = Role.USER
    is_active = True
    email_verified_at = datetime(2026, 1, 1, tzinfo=UTC)


def use_session(session: Session) -> None:
    """Let all factories create their rows in this session."""
    for each in Factory.__subclasses__():
        each._meta.sqlalchemy_session = session
