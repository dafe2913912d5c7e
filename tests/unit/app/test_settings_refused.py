"""Invalid settings: the service does not start."""

import re
import subprocess
import sys

import pytest

from app.settings import Settings, SettingsError
from app.settings.safety import SAMPLE_SECRETS

STRONG = "0123456789abcdef0123456789abcdef"
URL = "postgresql://u:p@db.example/shop"
DEVELOPMENT = {"FLASK_ENV": "development", "SECRET_KEY": "short", "DATABASE_URL": URL}
PRODUCTION = {"SECRET_KEY": STRONG, "DATABASE_URL": URL, "ALLOWED_HOSTS": "api.example.com"}


def error_text(given):
    with pytest.raises(SettingsError) as caught:
        Settings.load(given)
    return str(caught.value)


class TestAnywhere:
    def test_every_bad_setting_is_named_in_one_message(self):
        bad = {
            "FLASK_ENV": "prod",
            "DEBUG": "maybe",
            "DATABASE_URL": "mysql://u@h/db",
            "REDIS_URL": "http://cache.example",
            "LOG_LEVEL": "LOUD",
            "JWT_ALGORITHM": "none",
            "ACCESS_TOKEN_EXPIRE_MINUTES": "0",
            "TRUSTED_PROXIES": "-1",
            "RATE_LIMIT_DEFAULT": "many",
            "RATE_LIMIT_LOGIN": "5 per fortnight",
            "RATE_LIMIT_REGISTER": "0 per hour",
            "DATABASE_POOL_SIZE": "1.5",
            "DATABASE_POOL_TIMEOUT": "nan",
            "DATABASE_LOCK_TIMEOUT": "2s",
            "WEBHOOK_ALLOWED_NETWORKS": "10.0.0.1/8",
            "WEBHOOK_PORTS": "443, https",
            "METRICS_PORT": "70000",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
        }

        message = error_text(bad)

        assert {line.split(":")[0].strip() for line in message.splitlines()[1:]} == {
            *bad,
            "SECRET_KEY",
            "ALLOWED_HOSTS",
        }

    @pytest.mark.parametrize("value", [5, [1]])
    def test_value_of_another_type_is_rejected(self, value):
        assert "ALLOWED_HOSTS" in error_text({**PRODUCTION, "ALLOWED_HOSTS": value})

    @pytest.mark.parametrize(
        "url",
        ["mysql://u@h/db", "postgresql+asyncpg://u@h/db", "nonsense", "postgresql://h:port/db"],
    )
    def test_url_of_another_database_is_rejected(self, url):
        assert "DATABASE_URL: " in error_text({**DEVELOPMENT, "DATABASE_URL": url})

    @pytest.mark.parametrize("url", ["redis://h:port", "valkey://h"])
    def test_invalid_redis_url_is_rejected(self, url):
        assert "REDIS_URL" in error_text({**DEVELOPMENT, "REDIS_URL": url})

    def test_error_contains_no_secret(self):
        given = {**PRODUCTION, "SECRET_KEY": "hunter2", "DATABASE_URL": "mysql://u:hunter3@h/db"}

        assert "hunter" not in error_text(given)

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://u:hunter2/x@h/db",
            "postgresql://u:12345678/x@h/db",
            "postgresql://u:123/hunter@h/db",
            "postgresql://u:hunter2@x@h/db",
        ],
    )
    def test_error_contains_no_part_of_the_password(self, url):
        text = error_text({**DEVELOPMENT, "DATABASE_URL": url})

        assert "DATABASE_URL: must be a libpq URL" in text
        assert "hunter" not in text
        assert "12345678" not in text


class TestProduction:
    @pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS"])
    def test_missing_setting_is_rejected(self, name):
        assert f"{name}: is missing" in error_text({**PRODUCTION, name: ""})

    @pytest.mark.parametrize("secret", [*sorted(SAMPLE_SECRETS), STRONG[:31]])
    @pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
    def test_sample_or_short_secret_is_rejected(self, name, secret):
        assert f"  {name}: is a sample, or shorter" in error_text({**PRODUCTION, name: secret})

    def test_weak_fallback_is_rejected(self):
        given = {**PRODUCTION, "SECRET_KEY_FALLBACKS": f"{STRONG}x,short"}

        assert "SECRET_KEY_FALLBACKS" in error_text(given)

    def test_debug_is_rejected(self):
        assert "DEBUG: must be off" in error_text({**PRODUCTION, "DEBUG": "1"})

    def test_production_is_the_default_environment(self):
        settings = Settings.load(PRODUCTION)

        assert settings.production

    def test_development_accepts_weak_settings(self):
        settings = Settings.load(DEVELOPMENT)

        assert not settings.production
        assert settings.allowed_hosts == ()

    def test_length_of_a_secret_is_counted_in_bytes(self):
        assert Settings.load({**PRODUCTION, "SECRET_KEY": "ä" * 16}).secret_key == "ä" * 16


class TestKeySizes:
    """A key must be at least as long as the hash (RFC 7518, section 3.2)."""

    SIZES = (("HS256", 32), ("HS384", 48), ("HS512", 64))

    @pytest.mark.parametrize(("algorithm", "size"), SIZES)
    @pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
    def test_key_shorter_than_the_hash_is_rejected(self, name, algorithm, size):
        good = {**PRODUCTION, "SECRET_KEY": "k" * 64, "JWT_ALGORITHM": algorithm}

        message = error_text({**good, name: "k" * (size - 1)})

        assert f"  {name}: is a sample, or shorter than the {size} bytes" in message
        assert algorithm in message

    @pytest.mark.parametrize(("algorithm", "size"), SIZES)
    def test_key_as_long_as_the_hash_is_accepted(self, algorithm, size):
        key = "k" * size
        given = {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": key, "JWT_ALGORITHM": algorithm}

        assert Settings.load({**PRODUCTION, **given}).secret_key == key

    @pytest.mark.parametrize("algorithm", [algorithm for algorithm, _ in SIZES])
    def test_command_in_the_error_generates_a_valid_key(self, algorithm):
        given = {**PRODUCTION, "SECRET_KEY": "short", "JWT_ALGORITHM": algorithm}
        code = re.search("`python -c '(.+)'`", error_text(given))[1]
        key = subprocess.check_output([sys.executable, "-c", code], text=True)

        assert Settings.load({**given, "SECRET_KEY": key}).secret_key == key.strip()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "mail.example.com"),
        ("SMTP_URL", "http://mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com:0"),
        ("SMTP_URL", "smtp://mail.example.com/path"),
        ("SMTP_URL", "smtp://mail.example.com?starttls=no"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example.com:99999"),
        ("SMTP_URL", "smtp://user:p[ss@mail.example.com"),
        ("MAIL_FROM", "Shop, Inc <no-reply@example.com>"),
        ("MAIL_FROM", "Shop: x; <no-reply@example.com>"),
        ("MAIL_FROM", "a,b@example.com"),
        ("MAIL_FROM", "Shop"),
        ("MAIL_FROM", "Shop <no-reply>"),
        ("MAIL_FROM", "a@example.com\nBcc: b@example.com"),
        ("PUBLIC_URL", "api.example.com"),
        ("PUBLIC_URL", "https://api.example.com/path"),
        ("PUBLIC_URL", "https://user@api.example.com"),
        ("PUBLIC_URL", "https://api.example.com?x"),
    ],
)
def test_invalid_setting_of_mails_is_rejected(name, value):
    given = {"SMTP_URL": "log:", "MAIL_FROM": "a@example.com", "PUBLIC_URL": "http://localhost"}

    assert f"  {name}: must be " in error_text({**DEVELOPMENT, **given, name: value})
