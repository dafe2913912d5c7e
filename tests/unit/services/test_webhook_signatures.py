"""Signatures of webhooks, verified by the library that receivers use."""

import time
from base64 import b64decode

import pytest
from sqlalchemy.orm import Session
from standardwebhooks import Webhook, WebhookVerificationError

from services import webhook_endpoints
from services.webhook_signatures import new_secret, sign
from tests.support.webhooks import ADMIN, add_endpoint

BODY = b'{"type":"user.registered","name":"\xc3\xa4"}'
# Example of the specification.
SPECIFIED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def headers(secrets, timestamp=None):
    timestamp = int(time.time()) if timestamp is None else timestamp
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, "msg_1", timestamp, BODY),
    }


def test_signature_equals_that_of_the_specification():
    signature = sign(
        [SPECIFIED], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_random_and_long_enough():
    first, second = (b64decode(new_secret().removeprefix("whsec_")) for _ in range(2))

    assert first != second
    assert 24 <= len(first) <= 64


def test_each_valid_secret_verifies_during_a_rotation():
    old, new = new_secret(), new_secret()
    sent = headers([new, old])

    assert len(sent["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, sent)["type"] == "user.registered"


def test_ended_secret_does_not_verify():
    old, new = new_secret(), new_secret()

    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(BODY, headers([new]))


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (BODY + b" ", {}),
        (BODY, {"webhook-id": "msg_2"}),
    ],
)
def test_changed_message_does_not_verify(body, changed):
    secret = new_secret()
    sent = headers([secret], int(time.time()) - 60) | changed

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, sent)


def test_changed_time_does_not_verify():
    secret, now = new_secret(), int(time.time())
    sent = headers([secret], now - 60) | {"webhook-timestamp": str(now)}

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, sent)


def test_old_message_does_not_verify():
    secret = new_secret()

    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, headers([secret], int(time.time()) - 3600))


def test_rotation_keeps_the_previous_secret_for_a_day(own_engine, app):
    endpoint = add_endpoint(own_engine, "https://example.com/")
    with Session(own_engine, expire_on_commit=False) as session, session.begin():
        rotated = webhook_endpoints.rotate_secret(session, ADMIN, endpoint.id)

    assert rotated.previous_secret == endpoint.secret != rotated.secret
    hours = (rotated.previous_secret_expires_at - rotated.updated_at).total_seconds() / 3600
    assert 23.9 < hours <= 24
