"""Tokens in mails: create, check and use them once."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Interval, and_, bindparam, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.account_tokens import AccountToken, TokenPurpose
from models.base import table
from models.users import User
from services.errors import InvalidInput

LIFETIMES = {
    TokenPurpose.VERIFY_EMAIL: timedelta(days=1),
    TokenPurpose.RESET_PASSWORD: timedelta(minutes=30),
    TokenPurpose.CHANGE_EMAIL: timedelta(days=1),
}
users, tokens = table(User), table(AccountToken)
VALID = and_(
    tokens.c.digest == bindparam("digest"),
    tokens.c.purpose == bindparam("purpose"),
    tokens.c.expires_at > func.now(),
    tokens.c.user_id == users.c.id,
    users.c.is_active,
    tokens.c.password_digest == func.sha256(func.convert_to(users.c.password_hash, "UTF8")),
    # A token to change the address was sent to the new address. Others need the current address.
    or_(tokens.c.purpose == TokenPurpose.CHANGE_EMAIL, tokens.c.email == users.c.email),
)
CHECK = select(tokens.c.digest).where(VALID)
USE = delete(tokens).where(VALID).returning(tokens)


def create(session: Session, user_id: str, purpose: TokenPurpose, email: str) -> str | None:
    """Return a new token, which replaces the user's earlier one for this purpose.

    Return None if the user is not active, or now has another address than `email`.
    """
    user = session.get(User, user_id)
    if user is None or not user.is_active:
        return None
    if purpose != TokenPurpose.CHANGE_EMAIL and user.email != email:
        return None
    token = secrets.token_urlsafe(32)
    values = {
        "digest": _digest(token),
        "email": email,
        "password_digest": _digest(user.password_hash),
        "expires_at": func.now() + cast(LIFETIMES[purpose], Interval),
        "created_at": func.now(),
    }
    new = insert(tokens).values(values | {"user_id": user_id, "purpose": purpose})
    session.execute(new.on_conflict_do_update(index_elements=["user_id", "purpose"], set_=values))
    return token


def check(session: Session, token: str, purpose: TokenPurpose) -> None:
    """Raise InvalidInput unless the token is valid."""
    if session.execute(CHECK, _parameters(token, purpose)).one_or_none() is None:
        raise invalid_token()


def use(session: Session, token: str, purpose: TokenPurpose) -> tuple[User, str]:
    """Delete the token; return its user, locked, and the address to which it was sent.

    Of parallel requests with one token, only the first deletes it.

    Raises:
        InvalidInput: the token is invalid, expired or used.
    """
    used = session.execute(USE, _parameters(token, purpose)).one_or_none()
    if used is None:
        raise invalid_token()
    # The change of a unique column needs FOR UPDATE. To upgrade a weaker lock could deadlock.
    owner = select(User).where(User.id == used.user_id, User.is_active).with_for_update()
    user = session.scalar(owner.execution_options(populate_existing=True))
    # The user may have changed after the DELETE and before the lock.
    moved = purpose != TokenPurpose.CHANGE_EMAIL and user and user.email != used.email
    if user is None or moved or _digest(user.password_hash) != used.password_digest:
        raise invalid_token()
    return user, used.email


def delete_of(session: Session, user_id: str, purposes: Iterable[TokenPurpose]) -> None:
    """Delete the user's tokens for these purposes."""
    mine = (tokens.c.user_id == user_id) & tokens.c.purpose.in_(purposes)
    session.execute(delete(tokens).where(mine))


def invalid_token() -> InvalidInput:
    text = "The token is invalid or expired, or it was used before. Request a new mail."
    return InvalidInput.at(["/token"], text)


def _parameters(token: str, purpose: TokenPurpose) -> dict[str, Any]:
    return {"digest": _digest(token), "purpose": purpose}


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
