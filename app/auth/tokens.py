"""Tokens (Flask-JWT-Extended): keys, claims and error callbacks."""

import hashlib
import hmac
import re
from datetime import timedelta
from typing import Any

from blinker import Signal
from flask import Flask, Response, current_app, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    decode_token,
)
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import InvalidTokenError, PyJWTError

from app.errors.handlers import from_problem
from app.settings import Settings
from services import sessions
from services.errors import InvalidRefreshToken, InvalidToken, Unauthenticated

ISSUER = AUDIENCE = "flask-api"
REQUIRED_CLAIMS = ["exp", "iat", "jti", "sub", "sid", "type", "iss", "aud"]
BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)  # RFC 6750, section 2.1
TEXT_CLAIMS = ["jti", "sub", "sid", "type"]
# Tolerance for clocks that differ between machines.
LEEWAY_SECONDS = 5

jwt = JWTManager()
# Sends the names of events to the metrics, such as `refresh_repeated`.
events = Signal()


def jwt_config(settings: Settings) -> dict[str, object]:
    return {
        "JWT_ALGORITHM": settings.jwt_algorithm,
        "JWT_ENCODE_ISSUER": ISSUER,
        "JWT_DECODE_ISSUER": ISSUER,
        "JWT_ENCODE_AUDIENCE": AUDIENCE,
        "JWT_DECODE_AUDIENCE": AUDIENCE,
        "JWT_DECODE_LEEWAY": LEEWAY_SECONDS,
        "JWT_ENCODE_NBF": False,
        "JWT_COOKIE_CSRF_PROTECT": False,  # tokens come in headers only
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=settings.access_token_expire_minutes),
        "JWT_REFRESH_TOKEN_EXPIRES": sessions.LIFETIME,
    }


def issue(grant: sessions.Grant, auth_time: int) -> dict[str, Any]:
    """Return the token response of a grant (RFC 6749, section 5.1).

    `auth_time` is the Unix time of the sign-in; a refresh does not change it.
    """
    session = {"sid": grant.session_id, "auth_time": auth_time}
    refresh = {**session, "jti": grant.token_id}
    return {
        "access_token": create_access_token(grant.user_id, additional_claims=session),
        "refresh_token": create_refresh_token(grant.user_id, additional_claims=refresh),
        "token_type": "bearer",
        "expires_in": current_app.extensions["settings"].access_token_expire_minutes * 60,
    }


def refresh_claims(token: str) -> dict[str, Any]:
    """Return the claims of a refresh token.

    Raises:
        InvalidRefreshToken: the token is not valid, or not a refresh token.
    """
    try:
        claims = decode_token(token)
    except (PyJWTError, JWTExtendedException):
        raise InvalidRefreshToken from None
    if claims["type"] != "refresh":
        raise InvalidRefreshToken
    return claims


def successor_id(claims: dict[str, Any]) -> str:
    """Return the id of the refresh token that follows the one with these claims.

    The id is derived from the claims, so a repeated exchange returns the same successor. Only the
    signing key can derive it. The database stores only the hash of the id.
    """
    message = f"refresh:{claims['sid']}:{claims['jti']}"
    return hmac.digest(signing_key("").encode(), message.encode(), hashlib.sha256).hex()


def init_app(app: Flask) -> None:
    jwt.init_app(app)
    app.extensions["verified_tokens"] = {}
    app.before_request(normalize_header)


def normalize_header() -> None:
    """Normalize the case-insensitive `Bearer` scheme for the extension (RFC 9110, 11.1).

    Reject a header with several credentials, because the extension would accept one of them.
    """
    header = request.headers.get("Authorization", "")
    if match := BEARER.fullmatch(header):
        request.environ["HTTP_AUTHORIZATION"] = f"Bearer {match[1]}"
    elif "bearer" in header.lower():
        request.environ["HTTP_AUTHORIZATION"] = "Bearer invalid"


def key_id(key: str) -> str:
    """Return the `kid` of a key (RFC 7515, 4.1.4); it does not reveal the key."""
    return hmac.digest(key.encode(), b"kid", hashlib.sha256).hex()[:16]


@jwt.encode_key_loader
def signing_key(_identity: str) -> str:
    settings: Settings = current_app.extensions["settings"]
    return settings.secret_key


@jwt.additional_headers_loader
def name_key(_identity: str) -> dict[str, str]:
    return {"kid": key_id(signing_key(_identity))}


@jwt.decode_key_loader
def verifying_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return the fallback key that `kid` names, or else the current key.

    Raises:
        InvalidTokenError: a required claim is missing or has the wrong type.
    """
    if not all(name in claims for name in REQUIRED_CLAIMS):
        raise InvalidTokenError("A required claim is missing.")
    if not all(isinstance(claims[name], str) for name in TEXT_CLAIMS):
        raise InvalidTokenError("A claim has the wrong type.")
    settings: Settings = current_app.extensions["settings"]
    former = {key_id(key): key for key in settings.secret_key_fallbacks}
    return former.get(header.get("kid", ""), settings.secret_key)


@jwt.unauthorized_loader
def missing_token(_reason: str) -> Response:
    return from_problem(Unauthenticated())


@jwt.invalid_token_loader
def invalid_token(_reason: str) -> Response:
    """Return a 401 for an invalid token (RFC 6750, section 3.1)."""
    return from_problem(InvalidToken())


@jwt.expired_token_loader
def expired_token(_header: dict[str, Any], _claims: dict[str, Any]) -> Response:
    return from_problem(InvalidToken())
