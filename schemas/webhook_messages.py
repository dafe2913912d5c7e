"""Webhook messages in the OpenAPI document, one for each type of event."""

from typing import Any

from models.events import EventType
from schemas.event_examples import example
from schemas.ids import typeid

DESCRIPTION = """\
The service sends this message to each webhook endpoint that receives this type. Verify the
signature first. A message can arrive twice, with the same `webhook-id`. Messages can arrive in
another order: compare `resource_version`. See [Receive events](/api/docs/guides/events).
"""
HEADERS = {
    "webhook-id": (
        {"type": "string", "pattern": typeid("event")["pattern"]},
        typeid("event")["example"],
        "Id of the event, the same in each attempt. Process each id once.",
    ),
    "webhook-timestamp": (
        {"type": "string", "pattern": "^[0-9]+$"},
        "1770733800",
        "Time of the attempt, in seconds since 1970. Reject a message that is older than five "
        "minutes.",
    ),
    "webhook-signature": (
        {"type": "string"},
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        "Signature of the id, the time and the body by Standard Webhooks 1.0. For 24 hours after a "
        "rotation of the secret, a second signature follows after a space.",
    ),
}
RESPONSES = {
    "2XX": {"description": "Received. Respond within 15 seconds; the body is ignored."},
    "410": {"description": "Disables the webhook endpoint."},
    "default": {
        "description": "The service tries again, with up to eight attempts in about 27 hours, and "
        "follows no redirect.",
        "headers": {
            "Retry-After": {
                "schema": {"type": "string"},
                "description": "Earliest time of the next attempt: a delay in seconds, or a date.",
            }
        },
    },
}


def webhooks() -> dict[str, Any]:
    """Return the messages by type of event."""
    return {event_type.value: {"post": message(event_type)} for event_type in EventType}


def message(event_type: EventType) -> dict[str, Any]:
    noun, _, verb = event_type.replace("_", " ").partition(".")
    media_type = {
        "schema": {"$ref": "#/components/schemas/Event"},
        "examples": {event_type.value: {"value": example(event_type)}},
    }
    return {
        "operationId": f"receive{event_type.title().replace('.', '').replace('_', '')}",
        "summary": f"{noun.capitalize()} {verb}.",
        "description": DESCRIPTION,
        "tags": ["events"],
        "security": [],
        "parameters": [header(name) for name in HEADERS],
        "requestBody": {"required": True, "content": {"application/json": media_type}},
        "responses": RESPONSES,
    }


def header(name: str) -> dict[str, Any]:
    schema, value, description = HEADERS[name]
    return {
        "in": "header",
        "name": name,
        "required": True,
        "description": description,
        "schema": schema,
        "example": value,
    }
