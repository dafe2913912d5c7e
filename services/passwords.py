"""Passwords: argon2id with the parameters of OWASP's Password Storage Cheat Sheet."""

import os
import secrets
import unicodedata
from collections.abc import Callable, Container
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from services.demo_accounts import ADMIN_PASSWORD, USER_PASSWORD
from services.errors import InvalidInput

MEMORY_KIB = 19_456

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

# Public, so production rejects them.
DEMO_PASSWORDS = frozenset({USER_PASSWORD, ADMIN_PASSWORD})

# The most common passwords according to zxcvbn; attackers try these first.
COMMON_PASSWORDS = frozenset(FREQUENCY_LISTS["passwords"])


@dataclass(frozen=True)
class Rules:
    """Requirements for new passwords (NIST SP 800-63B-4, 3.1.1.2)."""

    min_length: int = 8
    # Passwords that this environment does not allow.
    refused: Container[str] = frozenset()


_hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
# Each hash uses 19 MiB and a core, so more parallel hashes than cores would only use more memory.
_cores = BoundedSemaphore(CORES)
# Hash of a random password, for accounts that cannot sign in. A login to an account that does not
# exist verifies this hash, so that all responses take the same time.
UNUSABLE = _hasher.hash(secrets.token_urlsafe())


Run = Callable[[Callable[..., Any], tuple[Any, ...]], Any]
_run: Run = lambda function, args: function(*args)  # noqa: E731


def run_hashes_in(run: Run) -> None:
    """Compute all later hashes with `run(function, args)`, such as `apply` of a thread pool.

    Without a thread pool, a hash blocks the event loop for tens of milliseconds.
    """
    global _run
    _run = run


def normalized(password: str) -> str:
    """Return the password in NFKC, because keyboards encode letters differently."""
    return unicodedata.normalize("NFKC", password)


def hashed(password: str) -> str:
    with _cores:
        hash_: str = _run(_hasher.hash, (normalized(password),))
        return hash_


def matches(password: str, password_hash: str | None, refused: Container[str] = ()) -> bool:
    """Return whether the password matches; a call without a hash (no account) takes the same time.

    `refused` are passwords that never match, such as the demo passwords in production.
    """
    # Older versions hashed the password without normalization.
    forms = dict.fromkeys((normalized(password), password))
    with _cores:
        right = any(_run(_verifies, (password_hash or UNUSABLE, form)) for form in forms)
    return right and password_hash is not None and not any(form in refused for form in forms)


def _verifies(password_hash: str, password: str) -> bool:
    try:
        _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    return True


def reject_common(password: str, pointer: str, refused: Container[str] = ()) -> None:
    """Reject a password that is common or in `refused`.

    Raises:
        InvalidInput: the password is rejected; the error points to `pointer`.
    """
    password = normalized(password)
    if password.lower() in COMMON_PASSWORDS or password in refused:
        raise InvalidInput.at([pointer], "This password is too common; choose another one.")


def check_new(password: str, pointer: str, rules: Rules) -> None:
    """Check a new password, after normalization.

    Raises:
        InvalidInput: the password at `pointer` is too short or too common.
    """
    if len(normalized(password)) < rules.min_length:
        raise InvalidInput.at([pointer], f"Shorter than minimum length {rules.min_length}.")
    reject_common(password, pointer, rules.refused)


def outdated(password_hash: str) -> bool:
    """Return whether the hash has other parameters than the current ones."""
    return _hasher.check_needs_rehash(password_hash)
