"""Examples of events by type, for the OpenAPI document."""

from typing import Any

from models.events import EventType
from schemas.ids import typeid
from schemas.users import USER_ID

# Example ids that do not begin with the noun of the event type.
IDS = {
    "api_key": typeid("key")["example"],
    "product": "abc",
    "webhook_endpoint": typeid("endpoint")["example"],
}
WITHOUT_VERSIONS = {"api_key", "session"}
OF_THE_SYSTEM = {EventType.SESSION_REUSE_DETECTED, EventType.WEBHOOK_ENDPOINT_DISABLED}
# Details in `data`; types that are not listed have none.
DATA: dict[EventType, dict[str, Any]] = {
    EventType.ORDER_CREATED: {"status": "pending"},
    EventType.ORDER_PAID: {"status": "paid"},
    EventType.ORDER_SHIPPED: {"status": "shipped"},
    EventType.ORDER_DELIVERED: {"status": "delivered"},
    EventType.ORDER_CANCELLED: {"status": "cancelled"},
    EventType.PRODUCT_STOCK_LOW: {"stock": 7, "stock_low_threshold": 8},
    EventType.USER_REGISTERED: {"role": "user"},
    EventType.USER_ROLE_CHANGED: {"role": "admin"},
    EventType.SESSION_REUSE_DETECTED: {"user_id": USER_ID["example"]},
    EventType.API_KEY_CREATED: {"user_id": USER_ID["example"]},
    EventType.API_KEY_REVOKED: {"user_id": USER_ID["example"]},
    EventType.WEBHOOK_ENDPOINT_DISABLED: {"reason": "failing"},
}


def example(event_type: EventType) -> dict[str, Any]:
    """Return an example of an event of the type."""
    noun = event_type.partition(".")[0]
    of_system = event_type in OF_THE_SYSTEM
    return {
        "id": typeid("event")["example"],
        "type": event_type.value,
        "created_at": "2026-02-10T14:30:00Z",
        "resource_id": IDS.get(noun) or typeid(noun)["example"],
        "resource_version": None if noun in WITHOUT_VERSIONS else 1,
        "data": DATA.get(event_type, {}),
        "actor": None if of_system else USER_ID["example"],
        "request_id": None if of_system else "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
    }
