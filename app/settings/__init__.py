"""Settings of the service (environment variables): declaration, validation, defaults.

Sources in order of precedence: environment variables, `.env`, `class Config` in a `config.py` of
the working directory, the defaults below. No other package reads the environment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, cast

from marshmallow import ValidationError, fields

from app.settings.declaration import schema_of, setting
from app.settings.files import SettingsError, sources
from app.settings.mail import PublicURL, sender, smtp_url
from app.settings.names import Network, hosts, networks, origins, ports
from app.settings.postgres import PostgresURL
from app.settings.safety import KEY_BYTES, unsafe
from app.settings.types import CommaSeparated, choice, number, rate, redis_url

__all__ = ["Settings", "SettingsError", "database_url", "sources"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; the environment variable of each has its name in upper case."""

    flask_env: Literal["development", "testing", "production"] = setting(
        choice("development", "testing", "production"),
        "production",
        "`development`, `testing` or `production`, which rejects unsafe settings.",
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
        "Previous signing keys that are still accepted, comma-separated.",
    )
    database_url: str = setting(
        PostgresURL(),
        "",
        "PostgreSQL URL, also with [several hosts](docs/operators/scaling.md). Required.",
    )
    database_replica_url: str = setting(
        PostgresURL(),
        "",
        "URL of a [read replica](docs/operators/scaling.md), whose data may be slightly old.",
    )
    redis_url: str = setting(
        fields.String(validate=redis_url),
        "",
        "Redis server that counts the rate limits of all processes: `redis://`, "
        "`redis+sentinel://host:port,…/service` or `redis+cluster://host:port,…`. "
        "Empty: each process counts separately.",
    )
    log_level: str = setting(
        choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "INFO",
        "Minimum log level.",
    )
    allowed_hosts: tuple[str, ...] = setting(
        hosts(),
        (),
        "Accepted `Host` headers, comma-separated; `.example.com` includes subdomains. "
        "Required in production; elsewhere, empty accepts any host.",
    )
    cors_origins: tuple[str, ...] = setting(
        origins(),
        (),
        "Origins that may call the API from a browser, comma-separated; "
        "`https://*.example.com` includes subdomains.",
    )
    jwt_algorithm: str = setting(
        choice(*KEY_BYTES),
        "HS256",
        "Signature algorithm of tokens; others are rejected.",
    )
    access_token_expire_minutes: int = setting(
        number(1), 30, "Lifetime of an access token (minutes)."
    )
    recent_sign_in_minutes: int = setting(
        number(1), 10, "Maximum age of a sign-in for sensitive operations (minutes)."
    )
    trusted_proxies: int = setting(
        number(0), 0, "Number of proxies whose `X-Forwarded-*` headers are trusted."
    )
    rate_limit_default: str = setting(
        rate(), "300 per minute", "Requests per user, or per IP address without a token."
    )
    rate_limit_api_key: str = setting(rate(), "600 per minute", "Requests per API key.")
    rate_limit_new_api_key: str = setting(rate(), "20 per hour", "New API keys per user.")
    rate_limit_login: str = setting(
        rate(), "5 per minute", "Failed logins per pair of account and IP address."
    )
    rate_limit_login_account: str = setting(rate(), "20 per minute", "Failed logins per account.")
    rate_limit_login_address: str = setting(
        rate(), "20 per minute", "Login attempts per IP address."
    )
    rate_limit_password: str = setting(
        rate(),
        "5 per minute",
        "Changes of password, address or second factor per user; password resets per IP address.",
    )
    rate_limit_register: str = setting(rate(), "20 per hour", "Registrations per IP address.")
    rate_limit_forgot_password: str = setting(
        rate(), "3 per hour", "Password reset requests per account and IP address."
    )
    rate_limit_forgot_password_account: str = setting(
        rate(), "20 per hour", "Password reset requests per account."
    )
    rate_limit_forgot_password_address: str = setting(
        rate(), "20 per hour", "Password reset requests per IP address."
    )
    rate_limit_mail: str = setting(
        rate(), "5 per hour", "Requested mails for verification or a new address, per user."
    )
    rate_limit_second_factor: str = setting(
        rate(),
        "10 per hour",
        "Wrong second-factor codes per account; sign-ins have a separate counter.",
    )
    require_admin_second_factor: bool = setting(
        fields.Boolean(),
        False,
        "`true`: administrators without a second factor have the rights of a user.",
    )
    password_min_length: int = setting(
        number(8, maximum=64),
        8,
        "Minimum length of new passwords; NIST recommends 15 without a second factor.",
    )
    rate_limit_export: str = setting(rate(), "5 per hour", "Exports of personal data per user.")
    database_pool_size: int = setting(number(1), 10, "Connections to PostgreSQL per process.")
    database_pool_overflow: int = setting(
        number(0), 0, "Additional connections per process, closed after use."
    )
    database_pool_timeout: float = setting(
        number(0, fields.Float), 2.0, "Maximum wait for a connection (seconds), then 503."
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
        "`true` behind a transaction pooler such as [PgBouncer](docs/operators/scaling.md).",
    )
    webhook_allowed_networks: tuple[Network, ...] = setting(
        networks(), (), "Private networks that may receive webhooks, such as `10.0.0.0/8`."
    )
    webhook_ports: tuple[int, ...] = setting(
        ports(), (443, 8443), "Ports that may receive webhooks."
    )
    smtp_url: str = setting(
        fields.String(validate=smtp_url),
        "",
        "Mail server: `smtp://user:password@host:587`, `smtps://…` or `log:`. Empty: no mails. "
        "`smtp:` requires STARTTLS if the URL has credentials or `?starttls=required`.",
    )
    mail_from: str = setting(
        fields.String(validate=sender),
        "",
        "Sender, such as `Shop <no-reply@example.com>`; required with `SMTP_URL`.",
    )
    public_url: str = setting(
        PublicURL(),
        "",
        "Base URL of links in mails; required with `SMTP_URL`.",
    )
    require_verified_email: Literal["off", "login", "orders"] = setting(
        choice("off", "login", "orders"),
        "off",
        "Step that needs a verified email address: `off`, `login` or `orders`.",
    )
    metrics_port: int = setting(
        number(0, maximum=65_535), 0, "Port of `/metrics` for Prometheus; 0 disables it."
    )
    otel_exporter_otlp_endpoint: str = setting(
        fields.Url(schemes={"http", "https"}, require_tld=False),
        "",
        "OpenTelemetry collector for traces, such as `http://collector:4318`.",
    )

    @property
    def production(self) -> bool:
        return self.flask_env == "production"

    @classmethod
    def load(cls, given: Mapping[str, Any] | None = None) -> Settings:
        """Return the settings from the variables `given`, by default from all sources.

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
    """Return the value of `DATABASE_URL` without validating other settings, for migrations.

    Raises:
        SettingsError: the URL is missing or invalid.
    """
    try:
        return schema_of(Settings, only=("DATABASE_URL",)).load(sources())["DATABASE_URL"]
    except (KeyError, ValidationError) as error:
        text = error.messages if isinstance(error, ValidationError) else "DATABASE_URL is missing."
        raise SettingsError(str(text)) from None
