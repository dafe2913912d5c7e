"""Access to an operation: `@public` or `@requires(scope)`, and the check of the access token."""

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
    """Declare that anyone may call the method; it ignores tokens."""
    return declare(method, access="public")


def requires(scope: Scope) -> Callable[[Method], Method]:
    """Declare that a caller needs an access token and a role with `scope`."""
    return lambda method: declare(method, access=scope)


def access_claims() -> dict[str, Any]:
    """Return the claims of the access token.

    The rate limit needs them before the first query, so the user is not loaded here (by
    `user_lookup_loader`) but by `authorize`. A process verifies each token once, because that
    takes PyJWT a sixth of a small request. See docs/decisions/0003-tokens.md.

    Raises:
        JWTExtendedException, PyJWTError: rendered by the error callbacks of app/auth/tokens.py.
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
    except IndexError:  # the extension's parser, for a header such as ", ,"
        raise NoAuthorizationError from None
    return get_jwt()


def authorize(session: Session, scope: Scope) -> tuple[Row[Any], Principal]:
    """Return the user of the access token, and the caller.

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
