"""Schemas of events."""

from marshmallow import fields, validate

from models.events import EventType
from schemas.base import MAX_EXACT, ResponseSchema, StrictInteger, Text, Timestamp
from schemas.ids import id_field, typeid
from schemas.pages import PageQuerySchema
from schemas.problems import REQUEST_ID
from schemas.users import USER_ID

TYPE = validate.OneOf([event_type.value for event_type in EventType])
ANY_ID = r"^[A-Za-z0-9_-]{1,64}\Z"


class EventSchema(ResponseSchema):
    """An event."""

    id = id_field(typeid("event"))
    # Not an enum, so that a new type is no breaking change.
    type = fields.String(
        required=True,
        metadata={
            "description": "Type of the event, as in the webhooks of this document. Ignore types "
            "that you do not know.",
            "example": "user.registered",
        },
    )
    created_at = Timestamp(
        required=True,
        metadata={
            "description": "Time of the event (RFC 3339, UTC).",
            "example": "2026-02-10T14:30:00Z",
        },
    )
    resource_id = fields.String(
        required=True,
        metadata={
            "description": "Id of the resource that changed.",
            "pattern": ANY_ID.replace(r"\Z", "$"),
            "example": USER_ID["example"],
        },
    )
    resource_version = StrictInteger(
        1,
        MAX_EXACT,
        required=True,
        allow_none=True,
        metadata={
            "description": "Version of the resource after the change; null if it has no versions. "
            "It increases with gaps.",
            "example": 1,
        },
    )
    data = fields.Dict(
        required=True,
        metadata={
            "description": "Details by type, such as `status`; read the resource for the rest.",
            "example": {"role": "user"},
        },
    )
    actor = fields.String(
        required=True,
        allow_none=True,
        attribute="actor_id",
        metadata={
            "description": "Id of the user or the API key that made the change; null for the "
            "system.",
            "example": USER_ID["example"],
        },
    )
    request_id = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "`X-Request-ID` of the response and of its log lines; null for a "
            "command.",
            "pattern": f"^{REQUEST_ID}$",
            "example": "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
        },
    )


class EventQuerySchema(PageQuerySchema):
    """Filters of the list of events."""

    type = fields.String(
        validate=TYPE,
        metadata={
            "description": "Only events of this type.",
            "examples": ["user.registered"],
        },
    )
    resource_id = Text(
        validate=validate.Regexp(ANY_ID),
        metadata={
            "description": "Only events of this resource.",
            "examples": [USER_ID["example"]],
        },
    )
    actor = Text(
        attribute="actor_id",
        validate=validate.Regexp(ANY_ID),
        metadata={
            "description": "Only events of this user or API key.",
            "examples": [USER_ID["example"]],
        },
    )
