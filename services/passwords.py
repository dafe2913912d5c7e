"""Passwords: argon2id with the parameters of OWASP's Password Storage Cheat Sheet."""

import os
import secrets
import unicodedata
from collections.abc import Callable, Container
from threading import BoundedSemaphore
from typing import Any

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
# Verified when there is no such account, so that both responses take the same time. Of a random
# password, because a match would end the verification early.
_DUMMY = _hasher.hash(secrets.token_urlsafe())


Run = Callable[[Callable[..., Any], tuple[Any, ...]], Any]
_run: Run = lambda function, args: function(*args)  # noqa: E731


def run_hashes_in(run: Run) -> None:
    """Compute hashes by `run(function, args)`, such as `apply` of a thread pool.

    An event loop would stand still during a hash, which takes tens of milliseconds.
    """
    global _run
    _run = run


def normalized(password: str) -> str:
    """Return the password in NFKC, because keyboards differ (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def hashed(password: str) -> str:
    with _cores:
        hash_: str = _run(_hasher.hash, (normalized(password),))
        return hash_


def matches(password: str, password_hash: str | None, refused: Container[str] = ()) -> bool:
    """Whether this is the password; no hash (no account) takes as long as a wrong password.

    `refused` are passwords that match nothing, such as the demo's in production.
    """
    # Hashes from before the normalization are of the password as it was sent.
    forms = dict.fromkeys((normalized(password), password))
    with _cores:
        right = any(_run(_verifies, (password_hash or _DUMMY, form)) for form in forms)
    return right and password_hash is not None and not any(form in refused for form in forms)


def _verifies(password_hash: str, password: str) -> bool:
    try:
        _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    return True


def refuse_common(password: str, pointer: str, refused: Container[str] = ()) -> None:
    """Let only passwords through that aren't everybody's, nor `refused`.

    Raises:
        InvalidInput: at `pointer`, this one is.
    """
    password = normalized(password)
    if password.lower() in COMMON_PASSWORDS or password in refused:
        raise InvalidInput.at([pointer], "This is one of the most common passwords.")


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)
