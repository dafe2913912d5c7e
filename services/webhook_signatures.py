"""Signatures of webhooks (Standard Webhooks 1.0)."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new random secret; receivers verify signatures with it."""
    return f"whsec_{b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def sign(signing_secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`, with one signature for each valid secret.

    `timestamp` is the Unix time in `webhook-timestamp`; `body` is UTF-8.
    """
    time, text = datetime.fromtimestamp(timestamp, UTC), body.decode()
    return " ".join(Webhook(secret).sign(message_id, time, text) for secret in signing_secrets)
