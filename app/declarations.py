"""Declarations: notes on a method, next to those of flask-smorest's own decorators."""

from collections.abc import Callable
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


def declared(method: Method, **notes: Any) -> Method:
    """The method, with `notes` among what the OpenAPI document is made of."""
    # A new dict: a decorated method shares its own with the one that it wraps.
    method.__dict__["_apidoc"] = {**getattr(method, "_apidoc", {}), **notes}
    return method
