"""Tokens: made by Flask-JWT-Extended, verified by PyJWT.

See docs/decisions/0003-tokens.md for why the extension doesn't verify them.
"""

import time
from datetime import timedelta
from functools import lru_cache
from typing import Any

import jwt as pyjwt
from flask import current_app, g, request
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token

from app.settings import Settings
from services import sessions
from services.errors import InvalidRefreshToken, Unauthenticated

ISSUER = AUDIENCE = "flask-api"
REQUIRED_CLAIMS = ["exp", "iat", "jti", "sub", "sid", "type", "iss", "aud"]
# The clocks of two machines differ a little; a token must not be "from the future" for that.
LEEWAY_SECONDS = 5

jwt = JWTManager()


def jwt_config(settings: Settings) -> dict[str, object]:
    return {
        "JWT_SECRET_KEY": settings.secret_key,
        "JWT_ALGORITHM": settings.jwt_algorithm,
        "JWT_ENCODE_ISSUER": ISSUER,
        "JWT_ENCODE_AUDIENCE": AUDIENCE,
        "JWT_ENCODE_NBF": False,
        "JWT_COOKIE_CSRF_PROTECT": False,  # tokens come in headers only
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=settings.access_token_expire_minutes),
        "JWT_REFRESH_TOKEN_EXPIRES": sessions.LIFETIME,
    }


def issue(grant: sessions.Grant) -> dict[str, Any]:
    """The tokens of a grant, as RFC 6749 section 5.1 names them."""
    session = {"sid": grant.session_id}
    return {
        "access_token": create_access_token(
            grant.user_id, additional_claims={**session, "role": grant.role}
        ),
        "refresh_token": create_refresh_token(
            grant.user_id, additional_claims={**session, "jti": grant.token_id}
        ),
        "token_type": "bearer",
        "expires_in": current_app.extensions["settings"].access_token_expire_minutes * 60,
    }


def access_claims() -> dict[str, Any]:
    """The claims of the request's access token; verified once a request.

    Raises:
        Unauthenticated: there is none, or it is not a valid one (RFC 6750).
    """
    claims: dict[str, Any] | None = g.get("access_claims")
    if claims is None:
        # Not request.authorization, which raises on what can't be decoded.
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated
        try:
            claims = g.access_claims = _verified(token.strip(), "access")
        except pyjwt.InvalidTokenError:
            challenge = 'Bearer realm="api", error="invalid_token"'
            raise Unauthenticated(headers={"WWW-Authenticate": challenge}) from None
    return claims


def refresh_claims(token: str) -> dict[str, Any]:
    """The claims of a refresh token.

    Raises:
        InvalidRefreshToken: it is not a valid one.
    """
    try:
        return _verified(token, "refresh")
    except pyjwt.InvalidTokenError:
        raise InvalidRefreshToken from None


def _verified(token: str, kind: str) -> dict[str, Any]:
    settings: Settings = current_app.extensions["settings"]
    keys = (settings.secret_key, *settings.secret_key_fallbacks)
    claims = _decoded(token, keys, settings.jwt_algorithm)
    if claims["exp"] <= time.time() - LEEWAY_SECONDS:
        raise pyjwt.ExpiredSignatureError
    if claims["type"] != kind:
        raise pyjwt.InvalidTokenError
    return claims


@lru_cache(maxsize=4096)
def _decoded(token: str, keys: tuple[str, ...], algorithm: str) -> dict[str, Any]:
    """The claims of a token, all verified but for its time.

    A signature that was right stays right; only what is valid is kept, never a refusal.
    """
    claims: dict[str, Any] = {}
    for key in keys:
        try:
            claims = pyjwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED_CLAIMS},
            )
            break
        except pyjwt.InvalidSignatureError:
            continue
    if not all(isinstance(claims.get(name), str) for name in ("sub", "sid", "jti", "type")):
        raise pyjwt.InvalidTokenError
    return claims
