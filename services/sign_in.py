"""Sign-in: find the account, verify the password, and renew its hash."""

from collections.abc import Container
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from models.base import table
from models.users import User
from services import passwords
from services.errors import WrongCredentials

users = table(User)
BY_EMAIL = (
    select(users)
    .where(users.c.email == bindparam("email"), users.c.is_active)
    .execution_options(prepared=True)
)
# Keeps `version`, and so the ETag, because no response contains the hash.
REHASH = (
    update(users)
    .where(
        users.c.id == bindparam("user_id"),
        users.c.is_active,
        users.c.password_hash == bindparam("known_hash"),
    )
    .values(password_hash=bindparam("new_hash"), updated_at=users.c.updated_at)
    .returning(users.c.id)
)


def find_account(session: Session, email: str) -> Row[Any] | None:
    """Return the active user with this email address."""
    return session.execute(BY_EMAIL, {"email": email}).one_or_none()


def verify_password(
    account: Row[Any] | None, password: str, refused: Container[str] = ()
) -> tuple[Row[Any], str]:
    """Return the account and the hash to store: a new one if the current one is outdated.

    This is slow and does not use the database, so call it without an open transaction.

    Raises:
        WrongCredentials: the password is wrong, or the account does not exist.
    """
    known_hash = account.password_hash if account else None
    if not passwords.matches(password, known_hash, refused) or account is None:
        raise WrongCredentials
    outdated = passwords.outdated(account.password_hash)
    return account, passwords.hashed(password) if outdated else account.password_hash


def store_hash(session: Session, account: Row[Any], new_hash: str) -> None:
    """Store the hash that `verify_password` returned, if it is new.

    Raises:
        StaleDataError: the account changed since it was read; the request is retried.
    """
    if new_hash == account.password_hash:
        return
    values = {"user_id": account.id, "known_hash": account.password_hash, "new_hash": new_hash}
    if session.execute(REHASH, values).one_or_none() is None:
        raise StaleDataError("The account changed during the sign-in.")
