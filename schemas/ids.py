"""Ids: one description for request bodies, responses and path parameters."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields


def typeid(prefix: str) -> dict[str, str]:
    """Return the documentation of an id that the service generates (TypeID over UUIDv7)."""
    return {
        "description": f"Id of the {prefix}: an opaque string that sorts by time of creation.",
        "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$",
        "example": f"{prefix}_01kj6zv8m4f5tbq0c9xn2hd7ea",
    }


def id_field(about: Mapping[str, str], **kwargs: Any) -> fields.String:
    """Return a field of a response that contains an id."""
    metadata = {**about, **kwargs.pop("metadata", {})}
    return fields.String(required=True, metadata=metadata, **kwargs)


def path_parameter(name: str, about: Mapping[str, str]) -> dict[str, Any]:
    """Return the documentation of an id in a path, for `blp.route(…, parameters=[…])`."""
    return {
        "in": "path",
        "name": name,
        "description": about["description"],
        "example": about["example"],
        "schema": {
            "type": "string",
            "minLength": 1,
            "pattern": about["pattern"].replace(r"\Z", "$"),
        },
    }
