"""Format of API keys: prefix, random part, checksum and digest."""

import hashlib
import re
import secrets
import string
from zlib import crc32

PREFIX = "fak_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH, CHECKSUM_LENGTH = 32, 6
KEY = re.compile(rf"{PREFIX}[A-Za-z0-9]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}")
# Matches API keys, and secrets of webhooks (https://www.standardwebhooks.com).
SECRET = re.compile(rf"{KEY.pattern}|whsec_[A-Za-z0-9+/=]+")


def new_key() -> str:
    """Return a new key; secret scanners recognize its prefix and its checksum."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return f"{PREFIX}{text}{checksum(text)}"


def checksum(text: str) -> str:
    """Return the CRC32 of the random part in base62, as in GitHub's tokens."""
    value, digits = crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        value, digit = divmod(value, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def has_valid_checksum(key: str) -> bool:
    text = key.removeprefix(PREFIX)
    return bool(KEY.fullmatch(key)) and checksum(text[:RANDOM_LENGTH]) == text[RANDOM_LENGTH:]


def digest(key: str) -> bytes:
    """Return the digest under which a key is stored; the key is random, so it needs no salt."""
    return hashlib.sha256(key.encode()).digest()


def redacted(text: str) -> str:
    """Return the text with `***` instead of the secret part of each key."""
    return SECRET.sub(lambda match: f"{match[0].partition('_')[0]}_***", text)
