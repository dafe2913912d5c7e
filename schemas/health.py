"""Health."""

from marshmallow import fields, validate

from schemas.base import ResponseSchema, Timestamp


class HealthSchema(ResponseSchema):
    """The service is up."""

    status = fields.String(
        required=True, validate=validate.OneOf(["healthy"]), metadata={"example": "healthy"}
    )
    timestamp = Timestamp(required=True, metadata={"example": "2026-02-12T10:30:00Z"})
    version = fields.String(required=True, metadata={"example": "1.0.0"})


class ProbeSchema(ResponseSchema):
    """What a probe is told."""

    status = fields.String(
        required=True, validate=validate.OneOf(["alive", "ready"]), metadata={"example": "ready"}
    )
