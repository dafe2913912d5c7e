"""Sources of settings and their precedence."""

import dataclasses
from ipaddress import ip_network

import pytest

from app.settings import Settings, SettingsError, database_url

STRONG = "0123456789abcdef0123456789abcdef"
URL = "postgresql://u:p@db.example/shop"
DRIVER_URL = "postgresql+psycopg2://u:p@db.example/shop"
MAIL = {"SMTP_URL": "log:", "MAIL_FROM": "a@example.com", "PUBLIC_URL": "http://localhost"}
DEVELOPMENT = {"FLASK_ENV": "development", "SECRET_KEY": "short", "DATABASE_URL": URL, **MAIL}
# Each setting: text and parsed value.
SETTINGS = [
    ("FLASK_ENV", "testing", "testing"),
    ("DEBUG", "true", True),
    ("SECRET_KEY", STRONG, STRONG),
    ("SECRET_KEY_FALLBACKS", "old, older", ("old", "older")),
    ("DATABASE_URL", URL, DRIVER_URL),
    ("DATABASE_REPLICA_URL", "postgres://standby/db", "postgresql+psycopg2://standby/db"),
    ("REDIS_URL", "redis://cache.example:6379/1", "redis://cache.example:6379/1"),
    ("LOG_LEVEL", "ERROR", "ERROR"),
    ("ALLOWED_HOSTS", "api.example.com,.example.org", ("api.example.com", ".example.org")),
    (
        "CORS_ORIGINS",
        "https://a.example, https://b.example",
        ("https://a.example", "https://b.example"),
    ),
    ("JWT_ALGORITHM", "HS512", "HS512"),
    ("ACCESS_TOKEN_EXPIRE_MINUTES", "5", 5),
    ("RECENT_SIGN_IN_MINUTES", "5", 5),
    ("TRUSTED_PROXIES", "2", 2),
    ("RATE_LIMIT_DEFAULT", "9 per minute", "9 per minute"),
    ("RATE_LIMIT_API_KEY", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_NEW_API_KEY", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_LOGIN", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_LOGIN_ACCOUNT", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_LOGIN_ADDRESS", "9/day", "9/day"),
    ("RATE_LIMIT_PASSWORD", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_REGISTER", "1/second;9/day", "1/second;9/day"),
    ("RATE_LIMIT_FORGOT_PASSWORD", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_FORGOT_PASSWORD_ACCOUNT", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_FORGOT_PASSWORD_ADDRESS", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_MAIL", "9 per hour", "9 per hour"),
    ("RATE_LIMIT_SECOND_FACTOR", "9 per hour", "9 per hour"),
    ("REQUIRE_ADMIN_SECOND_FACTOR", "true", True),
    ("PASSWORD_MIN_LENGTH", "15", 15),
    ("RATE_LIMIT_EXPORT", "9 per hour", "9 per hour"),
    ("DATABASE_POOL_SIZE", "3", 3),
    ("DATABASE_POOL_OVERFLOW", "0", 0),
    ("DATABASE_POOL_TIMEOUT", "0.5", 0.5),
    ("DATABASE_STATEMENT_TIMEOUT", "700", 700),
    ("DATABASE_LOCK_TIMEOUT", "300", 300),
    ("DATABASE_POOLER", "true", True),
    (
        "WEBHOOK_ALLOWED_NETWORKS",
        "10.0.0.0/8, fd00::/8",
        (ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
    ),
    ("WEBHOOK_PORTS", "443, 9443", (443, 9443)),
    ("SMTP_URL", "smtps://u:p%40ss@mail.example", "smtps://u:p%40ss@mail.example"),
    ("MAIL_FROM", "Shop <no-reply@example.com>", "Shop <no-reply@example.com>"),
    ("PUBLIC_URL", "https://api.example.com/", "https://api.example.com"),
    ("REQUIRE_VERIFIED_EMAIL", "login", "login"),
    ("METRICS_PORT", "9100", 9100),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", "http://collector:4318"),
]


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    """Use an empty working directory, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for field in dataclasses.fields(Settings):
        monkeypatch.delenv(field.name.upper(), raising=False)
    monkeypatch.delenv("SQLALCHEMY_DATABASE_URI", raising=False)
    return tmp_path


@pytest.fixture
def environment(monkeypatch):
    def setenv(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return setenv


@pytest.fixture
def dotenv(directory):
    def write(**values):
        lines = (f"{name}='{value}'\n" for name, value in values.items())
        (directory / ".env").write_text("".join(lines))

    return write


@pytest.fixture
def config_py(directory):
    def write(**values):
        lines = (f"    {name} = {value!r}\n" for name, value in values.items())
        (directory / "config.py").write_text("class Config:\n" + "".join(lines))

    return write


class TestSources:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("class Config(", r"SyntaxError: '\(' was never closed \(config.py, line 1\)"),
            ("raise RuntimeError", "RuntimeError: "),
            ("import no_such", "ModuleNotFoundError: No module named 'no_such'"),
        ],
    )
    def test_unreadable_config_py_is_an_error(self, text, told, directory):
        (directory / "config.py").write_text(text)

        with pytest.raises(SettingsError, match=rf"^config\.py cannot be read: {told}$"):
            Settings.load()

    @pytest.mark.parametrize("text", [b"A=1\nSECRET_KEY='no end\n", b"A=1\n\xff"])
    def test_unreadable_env_file_is_an_error(self, text, directory):
        (directory / ".env").write_bytes(text)

        with pytest.raises(SettingsError, match=r"\.env cannot be read: "):
            Settings.load()

    def test_config_py_without_the_class_sets_nothing(self, directory, environment):
        (directory / "config.py").write_text("LOG_LEVEL = 'ERROR'")
        environment(**DEVELOPMENT)

        assert Settings.load().log_level == "INFO"

    @pytest.mark.parametrize(("name", "text", "value"), SETTINGS)
    @pytest.mark.parametrize("source", ["environment", "dotenv", "config_py"])
    def test_every_source_sets_every_setting(self, source, name, text, value, request):
        request.getfixturevalue(source)(**{**DEVELOPMENT, name: text})

        assert getattr(Settings.load(), name.lower()) == value

    def test_test_above_covers_every_setting(self):
        assert {name.lower() for name, *_ in SETTINGS} == {
            field.name for field in dataclasses.fields(Settings)
        }

    def test_environment_wins_over_dotenv_over_config_py(self, environment, dotenv, config_py):
        config_py(**DEVELOPMENT, TRUSTED_PROXIES=1, DATABASE_POOL_SIZE=1, LOG_LEVEL="ERROR")
        dotenv(TRUSTED_PROXIES=2, DATABASE_POOL_SIZE=2)
        environment(TRUSTED_PROXIES="3")

        settings = Settings.load()

        assert (settings.trusted_proxies, settings.database_pool_size) == (3, 2)
        assert settings.log_level == "ERROR"

    def test_empty_setting_keeps_its_default(self, environment):
        environment(**DEVELOPMENT, LOG_LEVEL="", TRUSTED_PROXIES="")

        assert (Settings.load().log_level, Settings.load().trusted_proxies) == ("INFO", 0)

    @pytest.mark.parametrize(("name", "text", "value"), SETTINGS)
    @pytest.mark.parametrize("space", ["\n", "\r\n", " ", "\t"])
    def test_whitespace_around_a_value_is_removed(self, environment, name, text, value, space):
        environment(**{**DEVELOPMENT, name: f"{space}{text}{space}"})

        assert getattr(Settings.load(), name.lower()) == value

    @pytest.mark.parametrize("source", ["environment", "config_py"])
    def test_whitespace_around_the_url_of_migrations_is_removed(self, source, request):
        request.getfixturevalue(source)(SQLALCHEMY_DATABASE_URI=f" {URL}\n")

        assert database_url() == DRIVER_URL

    def test_setting_of_whitespace_keeps_its_default(self, environment):
        environment(**DEVELOPMENT, LOG_LEVEL=" \n", SECRET_KEY_FALLBACKS=" ,\n")

        assert (Settings.load().log_level, Settings.load().secret_key_fallbacks) == ("INFO", ())

    def test_url_of_whitespace_falls_back_to_the_other_name(self, environment):
        environment(**{**DEVELOPMENT, "DATABASE_URL": "\n"}, SQLALCHEMY_DATABASE_URI=URL)

        assert Settings.load().database_url == DRIVER_URL

    def test_config_py_can_contain_python_values(self, config_py):
        config_py(**DEVELOPMENT, DEBUG=True, ALLOWED_HOSTS=["a.example"], TRUSTED_PROXIES=1)

        settings = Settings.load()

        assert (settings.debug, settings.trusted_proxies) == (True, 1)
        assert settings.allowed_hosts == ("a.example",)

    def test_unknown_name_is_ignored(self, environment):
        environment(**DEVELOPMENT, PATH_TO_NOWHERE="/")

        assert Settings.load().flask_env == "development"

    def test_settings_cannot_be_changed(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            Settings.load(DEVELOPMENT).debug = True


class TestDatabaseURL:
    def test_missing_database_url_is_an_error_for_migrations(self):
        with pytest.raises(SettingsError, match="DATABASE_URL"):
            database_url()

    def test_migrations_need_only_the_database_url(self, environment):
        environment(DATABASE_URL=URL)

        assert database_url() == DRIVER_URL

    @pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
    def test_every_scheme_uses_psycopg2(self, scheme):
        url = f"{scheme}://u:p%40ss@db.example:5433/shop?sslmode=require"

        assert Settings.load({**DEVELOPMENT, "DATABASE_URL": url}).database_url == (
            "postgresql+psycopg2://u:p%40ss@db.example:5433/shop?sslmode=require"
        )

    @pytest.mark.parametrize("source", ["environment", "dotenv", "config_py"])
    def test_name_of_flask_sqlalchemy_is_accepted(self, source, environment, request):
        environment(FLASK_ENV="development", SECRET_KEY="short")
        request.getfixturevalue(source)(SQLALCHEMY_DATABASE_URI=URL)

        assert Settings.load().database_url == DRIVER_URL

    @pytest.mark.parametrize(
        ("strong", "weak"),
        [
            ("DATABASE_URL", "SQLALCHEMY_DATABASE_URI"),
            ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL"),
        ],
    )
    def test_environment_overrides_files_with_either_name(
        self, strong, weak, environment, config_py
    ):
        config_py(**{**DEVELOPMENT, "DATABASE_URL": None, weak: "postgresql://weaker/db"})
        environment(**{strong: URL})

        assert Settings.load().database_url == DRIVER_URL
        assert database_url() == DRIVER_URL
