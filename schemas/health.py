"""Schemas of health checks."""

from marshmallow import fields, validate

from schemas.base import ResponseSchema, Timestamp


class HealthSchema(ResponseSchema):
    """Status of the service."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["healthy"]),
        metadata={"description": "Always `healthy`.", "example": "healthy"},
    )
    timestamp = Timestamp(
        required=True,
        metadata={
            "description": "Current time of the service (RFC 3339, UTC).",
            "example": "2026-02-12T10:30:00Z",
        },
    )
    version = fields.String(
        required=True,
        metadata={"description": "Version of the service.", "example": "1.0.0"},
    )


class ProbeSchema(ResponseSchema):
    """Result of a probe."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["alive", "ready"]),
        metadata={
            "description": "`alive`: the process runs; `ready`: the database is available too.",
            "example": "ready",
        },
    )
