"""Schemas of problem documents (RFC 9457)."""

from marshmallow import Schema, fields

from schemas.base import ResponseSchema, StrictInteger

REQUEST_ID = "[A-Za-z0-9._-]{1,128}"


class InvalidFieldSchema(ResponseSchema):
    """An invalid field."""

    pointer = fields.String(
        required=True,
        metadata={
            "description": "JSON pointer (RFC 6901) to the field, or the name of the query "
            "parameter.",
            "example": "/items/0/quantity",
        },
    )
    detail = fields.String(
        required=True,
        metadata={
            "description": "Expected value; text for people.",
            "example": "Must be greater than or equal to 1 and less than or equal to 10000.",
        },
    )


class ProblemSchema(ResponseSchema):
    """A problem document (RFC 9457)."""

    type = fields.String(
        required=True,
        metadata={
            "format": "uri-reference",
            "description": "Type of the problem: a stable identifier for programs, and the URL of "
            "a page with advice.",
            "example": "/api/problems/invalid-input",
        },
    )
    title = fields.String(
        required=True,
        metadata={"description": "Name of the type; text for people.", "example": "Invalid input"},
    )
    status = StrictInteger(
        400,
        599,
        required=True,
        metadata={"description": "HTTP status code of the response.", "example": 422},
    )
    detail = fields.String(
        required=True,
        metadata={
            "description": "Cause of this error; text for people.",
            "example": "The input is well-formed, but not valid; see errors.",
        },
    )
    request_id = fields.String(
        required=True,
        metadata={
            "description": "`X-Request-ID` of the response; include it when you ask for help.",
            "pattern": f"^{REQUEST_ID}$",
            "example": "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
        },
    )
    errors = fields.List(
        fields.Nested(InvalidFieldSchema),
        metadata={"description": "Invalid fields; for `invalid-input` only."},
    )


_extension_members: dict[str, fields.Field] = {}


def extension_member(name: str, field: fields.Field) -> None:
    """Document an extension member (RFC 9457, section 3.2) of one problem type."""
    _extension_members[name] = field


def problem_schema() -> type[Schema]:
    """Return the schema of a problem document with all extension members."""
    return ProblemSchema.from_dict(dict(_extension_members), name="ProblemSchema")
