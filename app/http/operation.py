"""Declarations of methods, for the base class `Resource` and the OpenAPI document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from marshmallow import Schema

from models.users import Scope
from services.errors import Problem

Method = TypeVar("Method", bound=Callable[..., Any])
Access = Scope | Literal["public"]
Link = str | Mapping[str, str]


@dataclass(frozen=True)
class Operation:
    """An HTTP method of a resource."""

    # Required: the import of a resource without `access` raises a TypeError.
    access: Access | None = None
    # The sign-in must be recent (`RECENT_SIGN_IN_MINUTES`).
    recent_sign_in: bool = False
    body: Schema | None = None
    query: Schema | None = None
    # Accepts an `Idempotency-Key`.
    idempotent: bool = False
    # The response has the version of the resource as `ETag`.
    etag: bool = False
    # May read from a replica.
    may_lag: bool = False
    # Template of the `Location` of a 201, and the id in its example.
    location: str = ""
    example_id: str = ""
    # Returns a page with a link to the next one.
    paginated: bool = False
    raises: tuple[type[Problem], ...] = ()
    # Headers of a deprecated operation.
    deprecation: Mapping[str, str] | None = None
    links: Mapping[str, Link] | None = None


def operation_of(method: Callable[..., Any]) -> Operation:
    return getattr(method, "operation", Operation())


def declare(method: Method, **changes: Any) -> Method:
    """Change the declarations of a method; `functools.wraps` copies them to wrappers."""
    method.__dict__["operation"] = replace(operation_of(method), **changes)
    return method


def may_lag(method: Method) -> Method:
    """Declare that the method may read from a replica that lags behind the primary.

    If the replica lags behind the caller's own writes, the method reads from the primary.
    """
    return declare(method, may_lag=True)
