"""Challenges of a sign-in with a second factor (itsdangerous): signed and short-lived.

A challenge is not valid as a token, because its signing key is derived from the secret and a salt.
"""

import hashlib
import time

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from app.settings import Settings
from services.second_factors import InvalidChallenge, password_version

MAX_AGE_SECONDS = 5 * 60
LEEWAY_SECONDS = 5


def issue(user_id: str, password_hash: str) -> str:
    """Return a challenge; it becomes invalid when the password changes."""
    challenge: str = _serializer().dumps([user_id, password_version(password_hash)])
    return challenge


def read(challenge: str) -> tuple[str, str]:
    """Return the id of the user and the `password_version`.

    Raises:
        InvalidChallenge: the challenge is expired, or the service did not issue it.
    """
    try:
        (user_id, version), issued_at = _serializer().loads(challenge, return_timestamp=True)
    except BadData:
        raise InvalidChallenge from None
    age = time.time() - issued_at.timestamp()
    # `max_age` of itsdangerous would allow no difference between the clocks of two servers.
    if not -LEEWAY_SECONDS <= age <= MAX_AGE_SECONDS:
        raise InvalidChallenge
    return user_id, version


def _serializer() -> URLSafeTimedSerializer:
    settings: Settings = current_app.extensions["settings"]
    keys = [*reversed(settings.secret_key_fallbacks), settings.secret_key]
    options = {"digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(keys, salt="second-factor", signer_kwargs=options)
