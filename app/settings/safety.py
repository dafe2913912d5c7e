"""Checks of settings that are missing or unsafe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings

# Production rejects these keys, because they are public in the repository.
SAMPLE_SECRET = "dev-only-secret-key-not-for-production"  # noqa: S105
SAMPLE_SECRETS = frozenset({SAMPLE_SECRET, "your-secret-key", "change-me"})
# RFC 7518, section 3.2: a key must be at least as long as the hash.
KEY_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
WEAK_KEY = (
    "is a sample, or shorter than the {size} bytes that {name} requires; generate one with "
    "`python -c 'import secrets; print(secrets.token_urlsafe(64))'`."
)


def unsafe(settings: Settings) -> dict[str, list[str]]:
    """Return error texts for missing and unsafe settings, by the name of the variable."""
    checks = {
        "SECRET_KEY": (not settings.secret_key, "is missing."),
        "DATABASE_URL": (not settings.database_url, "is missing."),
    }
    checks |= _mail(settings)
    if settings.production:
        checks |= _production(settings)
    return {name: [text] for name, (bad, text) in checks.items() if bad}


def _mail(settings: Settings) -> dict[str, tuple[bool, str]]:
    sends, missing = bool(settings.smtp_url), "is missing; SMTP_URL requires it."
    unverifiable = settings.require_verified_email != "off" and not sends
    return {
        "MAIL_FROM": (sends and not settings.mail_from, missing),
        "PUBLIC_URL": (sends and not settings.public_url, missing),
        "REQUIRE_VERIFIED_EMAIL": (unverifiable, "needs SMTP_URL."),
    }


def _production(settings: Settings) -> dict[str, tuple[bool, str]]:
    checks = {
        "ALLOWED_HOSTS": (not settings.allowed_hosts, "is missing; production requires it."),
        "DEBUG": (settings.debug, "must be off in production."),
        # `log:` writes mails with tokens of accounts to the log.
        "SMTP_URL": (settings.smtp_url == "log:", "must be a mail server in production."),
    }
    if settings.public_url:
        secure = settings.public_url.startswith("https://")
        checks["PUBLIC_URL"] = (not secure, "must be https:// in production.")
    size = KEY_BYTES[settings.jwt_algorithm]
    weak = WEAK_KEY.format(size=size, name=settings.jwt_algorithm)
    if settings.secret_key:
        checks["SECRET_KEY"] = (not _strong(settings.secret_key, size), weak)
    for secret in settings.secret_key_fallbacks:
        if not _strong(secret, size):
            checks["SECRET_KEY_FALLBACKS"] = (True, weak)
    return checks


def _strong(secret: str, size: int) -> bool:
    return secret not in SAMPLE_SECRETS and len(secret.encode()) >= size
