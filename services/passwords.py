"""Passwords: argon2id with the parameters of OWASP's Password Storage Cheat Sheet."""

import os
from collections.abc import Container
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from services.errors import InvalidInput

MEMORY_KIB = 19_456

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

# Documented, so known to everybody: see `flask demo load`.
DEMO_PASSWORDS = frozenset({"securepassword123", "administrator123"})

# What people choose most, as zxcvbn counted; guessing begins with these.
COMMON_PASSWORDS = frozenset(FREQUENCY_LISTS["passwords"])

_hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
# Each hash takes 19 MiB and a core: more at once than cores would only take memory.
_cores = BoundedSemaphore(CORES)
# Verified when there is no such account, so that both answers take the same time.
_DUMMY = _hasher.hash("no such account")


def hashed(password: str) -> str:
    with _cores:
        return _hasher.hash(password)


def matches(password: str, password_hash: str | None, refused: Container[str] = ()) -> bool:
    """Whether this is the password; no hash (no account) takes as long as a wrong password.

    `refused` are passwords that match nothing, such as the demo's in production.
    """
    try:
        with _cores:
            _hasher.verify(password_hash or _DUMMY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None and password not in refused


def refuse_common(password: str, pointer: str, refused: Container[str] = ()) -> None:
    """Let only passwords through that aren't everybody's, nor `refused`.

    Raises:
        InvalidInput: at `pointer`, this one is.
    """
    if password.lower() in COMMON_PASSWORDS or password in refused:
        raise InvalidInput.at([pointer], "This is one of the most common passwords.")


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)
