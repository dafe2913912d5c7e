"""The settings: declared once, read once, frozen.

Sources, the stronger first: environment variables, `.env`, `class Config` of a `config.py` in the
working directory, the defaults below. Nothing else in the project reads the environment.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, Literal, cast

import click
from marshmallow import Schema, ValidationError, fields, pre_load, validate

from app.settings.files import UnreadableFileError, read_sources, stripped
from app.settings.names import hosts, origins
from app.settings.postgres import PostgresURL
from app.settings.types import CommaSeparated, number, rate, redis_url

# Anyone can read these in the repository, so they protect nothing.
SAMPLE_SECRET = "dev-only-secret-key-not-for-production"  # noqa: S105
SAMPLE_SECRETS = frozenset({SAMPLE_SECRET, "your-secret-key", "change-me"})
# RFC 7518, section 3.2: a key has at least the size of the hash.
KEY_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}


class SettingsError(click.ClickException):
    """The service can't start with these settings; the text names every bad one.

    To the `flask` command it is a message, and not a traceback.
    """


def setting(field: fields.Field, default: Any, description: str) -> Any:
    """A setting: how it is read, what it is when nobody sets it, what it does."""
    return dataclasses.field(default=default, metadata={"field": field, "description": description})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the service; the environment variable is the name in capitals."""

    flask_env: Literal["development", "testing", "production"] = setting(
        fields.String(validate=validate.OneOf(["development", "testing", "production"])),
        "production",
        "The environment: `development`, `testing` or `production`, which refuses unsafe settings.",
    )
    debug: bool = setting(fields.Boolean(), False, "Debug mode; refused in production.")
    secret_key: str = setting(
        fields.String(),
        "",
        "Signs tokens and cursors. In production: at least 32 bytes, 48 for HS384, 64 for HS512.",
    )
    secret_key_fallbacks: tuple[str, ...] = setting(
        CommaSeparated(), (), "Former values of `SECRET_KEY`, comma-separated, that still verify."
    )
    database_url: str = setting(
        PostgresURL(),
        "",
        "PostgreSQL, `postgresql://` or `postgres://`, also with several hosts; see "
        "docs/operators/scaling.md. Required.",
    )
    database_replica_url: str = setting(
        PostgresURL(),
        "",
        "A streaming replica, for reads that may lag; see docs/operators/scaling.md. "
        "Clients read their own writes with or without it.",
    )
    redis_url: str = setting(
        fields.String(validate=redis_url),
        "",
        "Redis, for rate limits that many processes share: `redis://`, "
        "`redis+sentinel://host:port,…/service` or `redis+cluster://host:port,…`. "
        "Without it each process counts alone.",
    )
    log_level: str = setting(
        fields.String(validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])),
        "INFO",
        "The least severe level that is logged.",
    )
    allowed_hosts: tuple[str, ...] = setting(
        hosts(),
        (),
        "Accepted `Host` headers, comma-separated; `.example.com` covers subdomains. "
        "Required in production; empty elsewhere means any.",
    )
    cors_origins: tuple[str, ...] = setting(
        origins(),
        (),
        "Origins, comma-separated, whose pages may call the API from a browser; "
        "`https://*.example.com` covers subdomains. None by default.",
    )
    jwt_algorithm: str = setting(
        fields.String(validate=validate.OneOf(list(KEY_BYTES))),
        "HS256",
        "The one algorithm that tokens are signed with and accepted in.",
    )
    access_token_expire_minutes: int = setting(number(1), 30, "Life of an access token, minutes.")
    trusted_proxies: int = setting(
        number(0), 0, "How many proxies in front are trusted to set `X-Forwarded-*`."
    )
    rate_limit_default: str = setting(
        rate(), "300 per minute", "Requests of one user, or of one address without a sign-in."
    )
    rate_limit_login: str = setting(
        rate(), "5 per minute", "Failed sign-ins to one account from one address."
    )
    rate_limit_login_account: str = setting(
        rate(), "20 per minute", "Failed sign-ins to one account from all addresses."
    )
    rate_limit_login_address: str = setting(rate(), "20 per minute", "Sign-ins from one address.")
    rate_limit_password: str = setting(
        rate(), "5 per minute", "Attempts to change the password of one account."
    )
    rate_limit_register: str = setting(rate(), "20 per hour", "Registrations from one address.")
    database_pool_size: int = setting(
        number(1), 10, "Connections to PostgreSQL that each process keeps open."
    )
    database_pool_overflow: int = setting(
        number(0), 0, "Connections beyond the pool, closed after each use."
    )
    database_pool_timeout: float = setting(
        number(0, fields.Float), 2.0, "Seconds to wait for a connection before a 503."
    )
    database_statement_timeout: int = setting(
        number(1), 5000, "Milliseconds before PostgreSQL ends a statement."
    )
    database_lock_timeout: int = setting(
        number(1), 2000, "Milliseconds a statement waits for a lock."
    )
    database_pooler: bool = setting(
        fields.Boolean(),
        False,
        "Set this behind a transaction pooler such as PgBouncer; see docs/operators/scaling.md.",
    )
    metrics_port: int = setting(
        number(0, most=65_535), 0, "Port of `/metrics`, for Prometheus; 0 is off."
    )
    otel_exporter_otlp_endpoint: str = setting(
        fields.Url(schemes={"http", "https"}, require_tld=False),
        "",
        "OpenTelemetry collector (OTLP/HTTP), such as `http://collector:4318`; none, no traces.",
    )

    @property
    def production(self) -> bool:
        return self.flask_env == "production"

    @classmethod
    def load(cls, given: Mapping[str, Any] | None = None) -> Settings:
        """The settings as `given`, by default from where the module's docstring says.

        Raises:
            SettingsError: naming every bad variable at once.
        """
        values = sources() if given is None else given
        problems: dict[str, list[str]] = {}
        try:
            loaded = _schema().load(values)
        except ValidationError as error:
            problems = cast(dict[str, list[str]], error.messages)
            loaded = error.valid_data
        settings = cls(**{name.lower(): value for name, value in loaded.items()})
        problems = {**settings._unsafe(), **problems}
        if problems:
            lines = (f"  {name}: {' '.join(texts)}" for name, texts in sorted(problems.items()))
            raise SettingsError(
                "These settings keep the service from starting:\n" + "\n".join(lines)
            )
        return settings

    def _unsafe(self) -> dict[str, list[str]]:
        """What is well-formed, but must not be served with."""
        checks: dict[str, tuple[bool, str]] = {
            "SECRET_KEY": (not self.secret_key, "is missing."),
            "DATABASE_URL": (not self.database_url, "is missing."),
        }
        if self.production:
            checks |= {
                "ALLOWED_HOSTS": (not self.allowed_hosts, "is missing; production requires it."),
                "DEBUG": (self.debug, "must be off in production."),
            }
            weak = WEAK_KEY.format(size=KEY_BYTES[self.jwt_algorithm], name=self.jwt_algorithm)
            if self.secret_key:
                checks["SECRET_KEY"] = (not self._strong(self.secret_key), weak)
            if not all(map(self._strong, self.secret_key_fallbacks)):
                checks["SECRET_KEY_FALLBACKS"] = (True, weak)
        return {name: [text] for name, (bad, text) in checks.items() if bad}

    def _strong(self, secret: str) -> bool:
        size = KEY_BYTES[self.jwt_algorithm]
        return secret not in SAMPLE_SECRETS and len(secret.encode()) >= size


WEAK_KEY = (
    "is a sample or shorter than {size} bytes, the least for {name}; "
    "`python -c 'import secrets; print(secrets.token_urlsafe(64))'` makes a good one."
)


class _EnvironmentSchema(Schema):
    """Text in, typed values out; what is not set, or set to nothing, keeps its default."""

    @pre_load
    def known(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        given = stripped(data)
        return {name: given[name] for name in self.fields if given.get(name) not in (None, "")}


def _schema(only: tuple[str, ...] | None = None) -> Schema:
    names = {field.name.upper(): field.metadata["field"] for field in dataclasses.fields(Settings)}
    return _EnvironmentSchema.from_dict(names)(only=only)


def database_url() -> str:
    """`DATABASE_URL` alone: migrations need no secret and no hosts.

    Raises:
        SettingsError: it is missing, or no PostgreSQL URL.
    """
    try:
        return _schema(only=("DATABASE_URL",)).load(sources())["DATABASE_URL"]
    except (KeyError, ValidationError) as error:
        text = error.messages if isinstance(error, ValidationError) else "DATABASE_URL is missing."
        raise SettingsError(str(text)) from None


def sources() -> dict[str, Any]:
    """All that is set, the stronger source over the weaker.

    Raises:
        SettingsError: a file can't be read.
    """
    try:
        return read_sources(os.environ)
    except UnreadableFileError as error:
        raise SettingsError(str(error)) from error
