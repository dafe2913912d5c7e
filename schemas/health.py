"""Health."""

from marshmallow import fields, validate

from schemas.base import ResponseSchema, Timestamp


class HealthSchema(ResponseSchema):
    """The service is up."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["healthy"]),
        metadata={"description": "That it answers is what it says.", "example": "healthy"},
    )
    timestamp = Timestamp(
        required=True,
        metadata={
            "description": "The time of the service (RFC 3339, UTC).",
            "example": "2026-02-12T10:30:00Z",
        },
    )
    version = fields.String(
        required=True,
        metadata={"description": "The version of the service.", "example": "1.0.0"},
    )


class ProbeSchema(ResponseSchema):
    """What a probe is told."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["alive", "ready"]),
        metadata={
            "description": "`alive`: the process answers; `ready`: so does the database.",
            "example": "ready",
        },
    )
