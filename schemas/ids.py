"""Ids, as clients see them: declared once, for bodies and for paths."""

from typing import Any

from marshmallow import fields, validate

PRODUCT_SHAPE = r"^[A-Za-z0-9_-]{1,64}\Z"
PRODUCT_ID = validate.Regexp(PRODUCT_SHAPE, error="Must be 1 to 64 of A-Z, a-z, 0-9, _ and -.")


def _made(prefix: str) -> dict[str, str]:
    """An id that the service makes: a TypeID, which is a prefix and a UUIDv7 in base 32."""
    return {
        "description": f"The id of the {prefix}: opaque, and in the order of time.",
        "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$",
        "example": f"{prefix}_01kj6zv8m4f5tbq0c9xn2hd7ea",
    }


IDS: dict[str, dict[str, str]] = {
    "order_id": _made("order"),
    "product_id": {
        "description": "The id of the product: the merchant's own, or one that was made.",
        "pattern": PRODUCT_SHAPE,
        "example": "abc",
    },
    "session_id": _made("session"),
    "user_id": _made("user"),
}


def id_of(name: str, **kwargs: Any) -> fields.String:
    """A field that returns the id of an `order_id`, a `user_id` and so on."""
    metadata = {**IDS[name], **kwargs.pop("metadata", {})}
    return fields.String(required=True, metadata=metadata, **kwargs)


def path_parameter(name: str) -> dict[str, Any]:
    """Return the documentation of an id in a path, for `blp.route(…, parameters=[…])`."""
    about = IDS[name]
    pattern = about["pattern"].replace(r"\Z", "$")
    return {
        "in": "path",
        "name": name,
        "description": about["description"],
        "example": about["example"],
        "schema": {"type": "string", "minLength": 1, "pattern": pattern},
    }
