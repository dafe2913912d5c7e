"""Settings of the service (environment variables): declaration, validation, defaults.

Sources in order of precedence: environment variables, `.env`, `class Config` in a `config.py` of
the working directory, the defaults below. No other module reads the environment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, cast

from marshmallow import ValidationError, fields, validate

from app.settings.declaration import schema_of, setting
from app.settings.files import SettingsError, sources
from app.settings.mail import PublicURL, sender, smtp_url
from app.settings.names import Network, hosts, networks, origins, ports
from app.settings.postgres import PostgresURL
from app.settings.safety import KEY_BYTES, unsafe
from app.settings.types import CommaSeparated, number, rate, redis_url

__all__ = ["Settings", "SettingsError", "database_url", "sources"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; the environment variable is the name in upper case."""

    flask_env: Literal["development", "testing", "production"] = setting(
        fields.String(validate=validate.OneOf(["development", "testing", "production"])),
        "production",
        "`development`, `testing` or `production`; production rejects unsafe settings.",
    )
    debug: bool = setting(fields.Boolean(), False, "Debug mode; rejected in production.")
    secret_key: str = setting(
        fields.String(),
        "",
        "Signing key of tokens and cursors. Production minimum: 32 bytes (HS384: 48, HS512: 64).",
    )
    secret_key_fallbacks: tuple[str, ...] = setting(
        CommaSeparated(),
        (),
        "Other keys whose signatures are accepted, comma-separated; for rotation.",
    )
    database_url: str = setting(
        PostgresURL(),
        "",
        "PostgreSQL URL (`postgresql://` or `postgres://`), also with several hosts; see "
        "docs/operators/scaling.md. Required.",
    )
    database_replica_url: str = setting(
        PostgresURL(),
        "",
        "URL of a streaming replica, for reads that may be slightly out of date; see "
        "docs/operators/scaling.md.",
    )
    redis_url: str = setting(
        fields.String(validate=redis_url),
        "",
        "Redis URL for rate limits that all processes share: `redis://`, "
        "`redis+sentinel://host:port,…/service` or `redis+cluster://host:port,…`. "
        "Without it, each process counts separately.",
    )
    log_level: str = setting(
        fields.String(validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])),
        "INFO",
        "Minimum level of log messages.",
    )
    allowed_hosts: tuple[str, ...] = setting(
        hosts(),
        (),
        "Accepted `Host` headers, comma-separated; `.example.com` includes subdomains. "
        "Required in production; otherwise, an empty list accepts any host.",
    )
    cors_origins: tuple[str, ...] = setting(
        origins(),
        (),
        "Origins whose pages may call the API from a browser (CORS), comma-separated; "
        "`https://*.example.com` includes subdomains. None by default.",
    )
    jwt_algorithm: str = setting(
        fields.String(validate=validate.OneOf(list(KEY_BYTES))),
        "HS256",
        "Algorithm that signs tokens; the service accepts no other.",
    )
    access_token_expire_minutes: int = setting(
        number(1), 30, "Lifetime of an access token (minutes)."
    )
    recent_sign_in_minutes: int = setting(
        number(1), 10, "Age of a sign-in (minutes) that still allows sensitive operations."
    )
    trusted_proxies: int = setting(
        number(0), 0, "Number of proxies in front whose `X-Forwarded-*` headers are trusted."
    )
    rate_limit_default: str = setting(
        rate(), "300 per minute", "Requests per user; without an access token, per IP address."
    )
    rate_limit_api_key: str = setting(rate(), "600 per minute", "Requests per API key.")
    rate_limit_new_api_key: str = setting(rate(), "20 per hour", "New API keys per user.")
    rate_limit_login: str = setting(
        rate(), "5 per minute", "Failed logins per combination of account and IP address."
    )
    rate_limit_login_account: str = setting(
        rate(), "20 per minute", "Failed logins per account, from all IP addresses."
    )
    rate_limit_login_address: str = setting(
        rate(), "20 per minute", "Login attempts per IP address."
    )
    rate_limit_password: str = setting(
        rate(),
        "5 per minute",
        "Attempts to change a password per account; resets per IP address.",
    )
    rate_limit_register: str = setting(rate(), "20 per hour", "Registrations per IP address.")
    rate_limit_forgot_password: str = setting(
        rate(), "3 per hour", "Requests to reset the password, per account and IP address."
    )
    rate_limit_forgot_password_account: str = setting(
        rate(), "20 per hour", "Requests to reset the password, per account."
    )
    rate_limit_forgot_password_address: str = setting(
        rate(), "20 per hour", "Requests to reset a password, per IP address."
    )
    rate_limit_mail: str = setting(rate(), "5 per hour", "Other mails that a user requests.")
    rate_limit_second_factor: str = setting(
        rate(), "10 per hour", "Wrong codes of a second factor, per account."
    )
    require_admin_second_factor: bool = setting(
        fields.Boolean(),
        False,
        "`true`: an administrator without a second factor has only the rights of a user.",
    )
    password_min_length: int = setting(
        number(8, maximum=64),
        8,
        "Minimum length of new passwords; NIST recommends 15 without a second factor.",
    )
    rate_limit_export: str = setting(rate(), "5 per hour", "Exports of personal data per user.")
    database_pool_size: int = setting(
        number(1), 10, "Connections to PostgreSQL that each process keeps open."
    )
    database_pool_overflow: int = setting(
        number(0), 0, "Additional connections per process, closed after use."
    )
    database_pool_timeout: float = setting(
        number(0, fields.Float), 2.0, "Maximum wait for a free connection (seconds), then 503."
    )
    database_statement_timeout: int = setting(
        number(1), 5000, "PostgreSQL's `statement_timeout` (milliseconds)."
    )
    database_lock_timeout: int = setting(
        number(1), 2000, "PostgreSQL's `lock_timeout` (milliseconds)."
    )
    database_pooler: bool = setting(
        fields.Boolean(),
        False,
        "`true` if `DATABASE_URL` points to a transaction pooler such as PgBouncer; see "
        "docs/operators/scaling.md.",
    )
    webhook_allowed_networks: tuple[Network, ...] = setting(
        networks(), (), "Private networks that may get webhooks, such as `10.0.0.0/8`."
    )
    webhook_ports: tuple[int, ...] = setting(ports(), (443, 8443), "Ports that may get webhooks.")
    smtp_url: str = setting(
        fields.String(validate=smtp_url),
        "",
        "Mail server: `smtp://user:password@host:587` (STARTTLS if offered, required with "
        "credentials or `?starttls=required`), `smtps://…`, or `log:`. Empty: no mails.",
    )
    mail_from: str = setting(
        fields.String(validate=sender),
        "",
        "Sender of mails, such as `Shop <no-reply@example.com>`; required with `SMTP_URL`.",
    )
    public_url: str = setting(
        PublicURL(),
        "",
        "Base of the links in mails, such as `https://api.example.com`; required with `SMTP_URL`.",
    )
    require_verified_email: Literal["off", "login", "orders"] = setting(
        fields.String(validate=validate.OneOf(["off", "login", "orders"])),
        "off",
        "Step that needs a verified email address: `off`, `login` or `orders`.",
    )
    metrics_port: int = setting(
        number(0, maximum=65_535), 0, "Port of `/metrics` for Prometheus; 0 disables it."
    )
    otel_exporter_otlp_endpoint: str = setting(
        fields.Url(schemes={"http", "https"}, require_tld=False),
        "",
        "OpenTelemetry collector (OTLP/HTTP), such as `http://collector:4318`; empty: no traces.",
    )

    @property
    def production(self) -> bool:
        return self.flask_env == "production"

    @classmethod
    def load(cls, given: Mapping[str, Any] | None = None) -> Settings:
        """Return the settings from `given`, by default from all sources.

        Raises:
            SettingsError: the message lists all invalid variables.
        """
        values = sources() if given is None else given
        problems: dict[str, list[str]] = {}
        try:
            loaded = schema_of(cls).load(values)
        except ValidationError as error:
            problems = cast(dict[str, list[str]], error.messages)
            loaded = error.valid_data
        settings = cls(**{name.lower(): value for name, value in loaded.items()})
        problems = {**unsafe(settings), **problems}
        if problems:
            lines = (f"  {name}: {' '.join(texts)}" for name, texts in sorted(problems.items()))
            raise SettingsError("Invalid settings:\n" + "\n".join(lines))
        return settings


def database_url() -> str:
    """Return only `DATABASE_URL`: migrations need no other setting.

    Raises:
        SettingsError: it is missing or not a PostgreSQL URL.
    """
    try:
        return schema_of(Settings, only=("DATABASE_URL",)).load(sources())["DATABASE_URL"]
    except (KeyError, ValidationError) as error:
        text = error.messages if isinstance(error, ValidationError) else "DATABASE_URL is missing."
        raise SettingsError(str(text)) from None
