"""Authentication and authorization: `@public`, `@requires(scope)`, tokens and API keys."""

import time
from collections.abc import Callable
from typing import Any

from flask import current_app, g, request
from flask_jwt_extended import get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import NoAuthorizationError
from sqlalchemy import Row
from sqlalchemy.orm import Session

import services.api_keys
from app.http import api_keys
from app.http.operation import Method, declare
from app.settings import Settings
from models.users import Role, Scope
from services.errors import Forbidden, RecentSignInRequired, SecondFactorMissing
from services.principals import Principal, authenticate

MAX_VERIFIED_TOKENS = 4096  # per process; about 1.5 KiB each


def public(method: Method) -> Method:
    """Declare that the method needs no access token and no API key."""
    return declare(method, access="public")


def requires(scope: Scope) -> Callable[[Method], Method]:
    """Declare that the method needs an access token or API key with `scope`."""
    return lambda method: declare(method, access=scope)


def recent_sign_in(method: Method) -> Method:
    """Declare that the user must have signed in recently (`RECENT_SIGN_IN_MINUTES`)."""
    return declare(method, recent_sign_in=True)


def access_claims() -> dict[str, Any]:
    """Return the claims of the access token.

    The rate limit needs the claims before the first query, so `authorize` loads the user later.
    Each process caches verified tokens, because the verification takes a large part of the time
    of a small request. See docs/decisions/0003-tokens.md.

    Raises:
        JWTExtendedException, PyJWTError: there is no valid token (rendered by app/auth/tokens.py).
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
    except IndexError:  # Flask-JWT-Extended raises it for a header such as ", ,"
        raise NoAuthorizationError from None
    return get_jwt()


def check_credential() -> None:
    """Verify the access token, or the checksum of the API key, without a query.

    Raises:
        JWTExtendedException, PyJWTError, InvalidToken: there is no valid token or key.
    """
    if not api_keys.sent_digest():
        access_claims()


def authorize(session: Session, scope: Scope, *, writes: bool) -> tuple[Row[Any], Principal]:
    """Return the user of the access token or API key, as a row and as a principal.

    Raises:
        JWTExtendedException, PyJWTError: there is no valid token.
        InvalidToken: the session or the API key has ended, or the user is not active.
        Forbidden: the role of the caller or the API key does not have the scope.
        SecondFactorMissing: the administrator lacks the required second factor.
    """
    digest = api_keys.sent_digest()
    if digest:
        user, principal = _owner_of_key(session, digest, writes)
    else:
        user, principal = _user_of_token(session, writes)
    g.user_id, g.api_key_id = principal.id, principal.api_key_id
    if not principal.may(scope):
        raise Forbidden if principal.role == user.role else SecondFactorMissing
    return user, principal


def check_recent_sign_in(principal: Principal) -> None:
    """Check that the caller signed in recently; a refresh is not a sign-in.

    Raises:
        Forbidden: the caller uses an API key.
        RecentSignInRequired: the sign-in is too old.
    """
    if not principal.session_id:
        raise Forbidden
    settings: Settings = current_app.extensions["settings"]
    signed_in_at = access_claims().get("auth_time", 0)
    if signed_in_at + settings.recent_sign_in_minutes * 60 <= time.time():
        raise RecentSignInRequired


def _role(user: Row[Any]) -> Role:
    """Return the role; an administrator who lacks a required second factor acts as a user."""
    settings: Settings = current_app.extensions["settings"]
    lacks_factor = settings.require_admin_second_factor and not user.second_factor
    return Role.USER if lacks_factor and user.role == Role.ADMIN else Role(user.role)


def _user_of_token(session: Session, writes: bool) -> tuple[Row[Any], Principal]:
    claims = access_claims()
    user = authenticate(session, claims["sub"], claims["sid"], writes=writes)
    return user, Principal(user.id, user.session_id, _role(user), request_id=g.request_id)


def _owner_of_key(session: Session, digest: bytes, writes: bool) -> tuple[Row[Any], Principal]:
    user = services.api_keys.find_owner(session, digest, writes=writes)
    g.api_key_id = user.api_key_id  # for the log, also if the key is not valid
    services.api_keys.check_live(user)
    api_keys.remember(digest, user)
    key = user.api_key_id, user.api_key_scopes
    return user, Principal(user.id, None, _role(user), *key, g.request_id)
