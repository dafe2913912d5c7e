"""Receive webhooks; needs the extra `webhooks`."""

import json
from collections.abc import Mapping

from standardwebhooks import Webhook, WebhookVerificationError

from flask_api_client.generated.models import Event

__all__ = ["WebhookVerificationError", "receive"]


def receive(body: bytes, headers: Mapping[str, str], secret: str) -> Event:
    """Verify the signature of a request, and return its event.

    Args:
        body: The bytes of the request, unchanged.
        secret: The secret of the webhook endpoint; during a rotation, the new or the old one.

    Raises:
        WebhookVerificationError: The request is not from the service, or older than five minutes.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except ValueError as error:  # a header, the body or the secret is malformed
        raise WebhookVerificationError(str(error)) from error
    return Event.from_dict(json.loads(body))
