"""Webhooks of the Python client: accepted and rejected messages, without a service."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from standardwebhooks import Webhook

from schemas.event_examples import EventType, example

pytestmark = pytest.mark.clients
pytest.importorskip("flask_api_client.generated", reason="`make clients` has not been run")

from flask_api_client.webhooks import WebhookVerificationError, receive

SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV7b5sSYspob7oD"
EVENT = example(EventType.USER_REGISTERED)
BODY = orjson.dumps(EVENT)


def signed(*secrets, age=0, **changes):
    """Return the headers of a message, signed with each secret."""
    time = datetime.now(UTC) - timedelta(seconds=age)
    signatures = [Webhook(each).sign(EVENT["id"], time, BODY.decode()) for each in secrets]
    return {
        "Webhook-Id": EVENT["id"],
        "Webhook-Timestamp": str(int(time.timestamp())),
        "Webhook-Signature": " ".join(signatures),
    } | changes


def test_signed_message_is_an_event():
    event = receive(BODY, signed(SECRET), SECRET)

    assert event.to_dict() == EVENT | {"created_at": event.created_at.isoformat()}


def test_unknown_type_is_accepted():
    body = BODY.replace(b"user.registered", b"user.renamed")
    time = datetime.now(UTC)
    headers = signed() | {
        "Webhook-Timestamp": str(int(time.timestamp())),
        "Webhook-Signature": Webhook(SECRET).sign(EVENT["id"], time, body.decode()),
    }

    assert receive(body, headers, SECRET).type_ == "user.renamed"


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_both_secrets_are_accepted_during_a_rotation(secret):
    assert receive(BODY, signed(OTHER, SECRET), secret).id == EVENT["id"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY.replace(b"user", b"order"), signed(SECRET)),
        (BODY, signed(SECRET) | {"Webhook-Timestamp": signed(age=9)["Webhook-Timestamp"]}),
        (BODY, signed(SECRET, age=6 * 60)),
        (BODY, signed(OTHER)),
        (BODY, {}),
        (BODY, signed(SECRET) | {"Webhook-Signature": "v1"}),
        (BODY, signed(SECRET) | {"Webhook-Signature": "v1,%"}),
        (b"\xff", signed(SECRET)),
    ],
)
def test_message_is_rejected(body, headers):
    with pytest.raises(WebhookVerificationError):
        receive(body, headers, SECRET)
