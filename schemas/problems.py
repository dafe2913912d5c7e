"""Problem documents (RFC 9457)."""

from marshmallow import Schema, fields

from schemas.base import ResponseSchema, Whole

REQUEST_ID = "[A-Za-z0-9._-]{1,128}"


class InvalidFieldSchema(ResponseSchema):
    """What is wrong with one field."""

    pointer = fields.String(
        required=True,
        metadata={
            "description": "Which field: a JSON pointer (RFC 6901); of a query, its parameter.",
            "example": "/items/0/quantity",
        },
    )
    detail = fields.String(
        required=True,
        metadata={
            "description": "What is expected there, for people.",
            "example": "Must be greater than or equal to 1 and less than or equal to 10000.",
        },
    )


class ProblemSchema(ResponseSchema):
    """A problem document (RFC 9457)."""

    type = fields.String(
        required=True,
        metadata={
            "format": "uri-reference",
            "description": "What kind of problem: stable, for programs; and the address of a page "
            "that says what to do.",
            "example": "/api/problems/invalid-input",
        },
    )
    title = fields.String(
        required=True,
        metadata={"description": "The kind of problem, for people.", "example": "Invalid input"},
    )
    status = Whole(
        400,
        599,
        required=True,
        metadata={"description": "The status of the answer.", "example": 422},
    )
    detail = fields.String(
        required=True,
        metadata={
            "description": "What happened here, for people.",
            "example": "The input is well-formed, but not valid; see errors.",
        },
    )
    request_id = fields.String(
        required=True,
        metadata={
            "description": "The `X-Request-ID` of the answer; name it when you ask for help.",
            "pattern": f"^{REQUEST_ID}$",
            "example": "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
        },
    )
    errors = fields.List(
        fields.Nested(InvalidFieldSchema), metadata={"description": "For `invalid-input` only."}
    )


_extension_members: dict[str, fields.Field] = {}


def extension_member(name: str, field: fields.Field) -> None:
    """Document an extension member (RFC 9457, section 3.2) of one kind of problem."""
    _extension_members[name] = field


def problem_schema() -> type[Schema]:
    """Return the schema of a problem document with all extension members."""
    return ProblemSchema.from_dict(dict(_extension_members), name="ProblemSchema")
