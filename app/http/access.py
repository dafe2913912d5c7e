"""Authentication and authorization: `@public`, `@requires(scope)` and the access token check."""

import time
from collections.abc import Callable
from typing import Any

from flask import current_app, g, request
from flask_jwt_extended import get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import NoAuthorizationError
from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.http.operation import Method, declare
from models.users import Role, Scope
from services.errors import Forbidden
from services.principals import Principal, authenticate

MAX_VERIFIED_TOKENS = 4096  # in a process; about 1.5 KiB each


def public(method: Method) -> Method:
    """Declare that the method needs no access token."""
    return declare(method, access="public")


def requires(scope: Scope) -> Callable[[Method], Method]:
    """Declare that the method needs an access token and a role with `scope`."""
    return lambda method: declare(method, access=scope)


def access_claims() -> dict[str, Any]:
    """Return the claims of the access token.

    The rate limit needs the claims before the first query, so `authorize` loads the user, not
    `user_lookup_loader`. A process caches verified tokens, because verification is a large part
    of a small request. See docs/decisions/0003-tokens.md.

    Raises:
        JWTExtendedException, PyJWTError: the callbacks in app/auth/tokens.py render them.
    """
    verified: dict[str, dict[str, Any]] = current_app.extensions["verified_tokens"]
    header = request.headers.get("Authorization", "")
    claims = verified.get(header)
    if claims is None or claims["exp"] <= time.time():
        claims = verify_token()
        if len(verified) >= MAX_VERIFIED_TOKENS:
            verified.clear()
        verified[header] = claims
    return claims


def verify_token() -> dict[str, Any]:
    try:
        verify_jwt_in_request()
    except IndexError:  # raised by the extension for a header such as ", ,"
        raise NoAuthorizationError from None
    return get_jwt()


def authorize(session: Session, scope: Scope) -> tuple[Row[Any], Principal]:
    """Return the user of the access token, as a row and as a principal.

    Raises:
        JWTExtendedException, PyJWTError: there is no valid token.
        InvalidToken: the session has ended, or the user is not active.
        Forbidden: the role of the caller does not have the scope.
    """
    claims = access_claims()
    user = authenticate(session, claims["sub"], claims["sid"])
    principal = Principal(user.id, user.session_id, Role(user.role))
    g.user_id = principal.id
    if not principal.may(scope):
        raise Forbidden
    return user, principal
