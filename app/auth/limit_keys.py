"""Key functions of rate limits: a limit counts the requests with the same key.

A key function must not raise an exception or return "": Flask-Limiter would skip the limit.
"""

import hashlib
import ipaddress
from collections.abc import Callable

from flask import request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.auth import challenges
from app.db.database import database
from app.http.access import access_claims
from app.http.api_keys import known_key_id
from app.http.parser import json_body
from models.users import MAX_EMAIL, canonical_email
from services import sessions
from services.errors import Problem

# Key prefix of limits that count failures only.
FAILURES = "failures:"


def address() -> str:
    """Return the client's address; for IPv6, its /64 network, which usually has one customer."""
    remote = request.remote_addr or "unknown"
    try:
        return str(ipaddress.IPv6Network(f"{remote}/64", strict=False))
    except ValueError:
        return remote[:64]


def user_or_address() -> str:
    """Return the id of the user or API key; without a valid one, the client's address."""
    if key_id := known_key_id():
        return key_id
    try:
        return access_claims()["sub"] or address()
    except (PyJWTError, JWTExtendedException):
        return address()


def account() -> str:
    """Return a hash of the email address in the body; without one, the client's address."""
    email = sent_email()
    return hashlib.sha256(email.encode()).hexdigest() if email else address()


def account_and_address() -> str:
    return f"{account()}:{address()}"


def account_or_known_address() -> str:
    """Return the account; if it has a session at the client's address, add the address.

    So failed sign-ins from other addresses do not lock out a user with such a session.
    """
    try:
        with database.session(autocommit=True) as session:
            known = sessions.is_signed_in_at(session, sent_email(), address())
    except SQLAlchemyError:
        known = False
    return account_and_address() if known else account()


def sent_email() -> str:
    """Return the email address in the body, or "" if there is none."""
    try:
        email = json_body()["email"].strip()
    except (Problem, HTTPException, AttributeError, KeyError, TypeError, OSError):
        return ""
    if len(email) > MAX_EMAIL:  # Normalizing a long text takes seconds.
        return ""
    # Lone surrogates, which UTF-8 cannot encode, become "?".
    return canonical_email(email.encode(errors="replace").decode())


def challenged_user() -> str:
    """Return the id of the user in a valid challenge, otherwise the client's address."""
    try:
        return challenges.read(json_body()["challenge"])[0]
    except (Problem, HTTPException, KeyError, TypeError, ValueError, OSError):
        return address()


def failures(*keys: Callable[[], str]) -> Callable[[], str]:
    """Return a key function for a limit that counts failures only."""
    return lambda: FAILURES + ":".join(key() for key in keys)


def endpoint() -> str:
    """Return the endpoint of the request, or "other".

    Flask-Limiter does not count static files and requests without an endpoint (404, 405). It does
    count "other".
    """
    name = request.endpoint
    return name if name and name != "static" else "other"
