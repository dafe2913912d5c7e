"""Who may call what: declared on the method, enforced by `Resource`, shown in the document."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import g

from app.auth import access_claims
from models.base import Reader
from models.users import Scope
from services import principals
from services.errors import Forbidden, Unauthenticated
from services.principals import Principal

Method = TypeVar("Method", bound=Callable[..., Any])
PUBLIC = "public"


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


def authorize(session: Reader, scope: Scope) -> Principal:
    """The principal of the request.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the principal's role lacks the scope.
    """
    claims = access_claims()
    try:
        principal = principals.authenticate(session, claims["sub"], claims["sid"])
    except Unauthenticated as problem:
        problem.headers["WWW-Authenticate"] = 'Bearer realm="api", error="invalid_token"'
        raise
    g.user_id = principal.id
    if not principal.may(scope):
        raise Forbidden
    return principal
