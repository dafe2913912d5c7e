"""Who may call what: declared on the method, enforced by `Resource`, shown in the document."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Row

from app.auth import access_claims
from models.base import Reader
from models.users import Role, Scope
from services import principals
from services.errors import Unauthenticated
from services.principals import Principal

Method = TypeVar("Method", bound=Callable[..., Any])
PUBLIC = "public"
ROLES = tuple(Role)


def public(method: Method) -> Method:
    """Anyone may call this; a token is not even looked at."""
    method.__dict__["access"] = PUBLIC
    return method


def requires(scope: Scope) -> Callable[[Method], Method]:
    """Only who is signed in with a role that has `scope` may call this."""

    def declare(method: Method) -> Method:
        method.__dict__["access"] = scope
        return method

    return declare


def claimed() -> Principal | None:
    """The principal as the access token has it, or None if it doesn't tell the role.

    Raises:
        Unauthenticated: there is no valid token.
    """
    claims = access_claims()
    role = claims.get("role")
    return Principal(claims["sub"], claims["sid"], Role(role)) if role in ROLES else None


def signed_in(session: Reader) -> Row[Any]:
    """The user of the request.

    Raises:
        Unauthenticated: nobody is signed in.
    """
    claims = access_claims()
    try:
        return principals.authenticate(session, claims["sub"], claims["sid"])
    except Unauthenticated as problem:
        problem.headers["WWW-Authenticate"] = 'Bearer realm="api", error="invalid_token"'
        raise
