"""Access to an operation: `@public` or `@requires(scope)`, and the check of the access token."""

from collections.abc import Callable
from typing import Any

from flask import g, request
from flask_jwt_extended import get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import NoAuthorizationError
from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.http.operation import Method, declare
from models.users import Role, Scope
from services.errors import Forbidden
from services.principals import Principal, authenticate


def public(method: Method) -> Method:
    """Declare that anyone may call the method; it ignores tokens."""
    return declare(method, access="public")


def requires(scope: Scope) -> Callable[[Method], Method]:
    """Declare that a caller needs an access token and a role with `scope`."""
    return lambda method: declare(method, access=scope)


def access_claims() -> dict[str, Any]:
    """Return the claims of the access token, which is verified once per request.

    The rate limit needs them before the first query, so the user is not loaded here (by
    `user_lookup_loader`) but by `authorize`. See docs/decisions/0003-tokens.md.

    Raises:
        JWTExtendedException, PyJWTError: rendered by the error callbacks of app/auth/tokens.py.
    """
    claims: dict[str, Any] | None = request.environ.get("access_claims")
    if claims is None:
        try:
            verify_jwt_in_request()
        except IndexError:  # the extension's parser, for a header such as ", ,"
            raise NoAuthorizationError from None
        claims = request.environ["access_claims"] = get_jwt()
    return claims


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
