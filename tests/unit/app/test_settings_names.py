"""Settings that are lists of names: `ALLOWED_HOSTS` and `CORS_ORIGINS`."""

import pytest

from app.settings import Settings, SettingsError

DEVELOPMENT = {
    "FLASK_ENV": "development",
    "SECRET_KEY": "short",
    "DATABASE_URL": "postgresql://u:p@db.example/shop",
}
NO_HOST_NAMES = [
    "https://api.example.com",
    "api.example.com/",
    "*.example.com",
    "*",
    "a b",
    "a.example\nb.example",
    "api.example.com:port",
    "api.example.com:0",
    "api.example.com:65536",
    "api.example.com:",
    "user@api.example.com",
    "api..example.com",
    "..example.com",
    ".",
    "-api.example.com",
    "api-.example.com",
    f"{'a' * 64}.example.com",
    "api.example.com?x",
    "api.example.com.",
    "api.example.com:8443",
    "bücher.example",
    "[::1",
    "[api]",
    "[::1]",
    "::1",
    "my_app",
    "straße.example",
]
NO_ORIGINS = [
    "https://shop.example/",
    "https://shop.example/path",
    "https://shop.example?x",
    "https://shop.example#x",
    "https://user@shop.example",
    "shop.example",
    "shop.example:443",
    "//shop.example",
    "https://",
    "https:shop.example",
    "a b",
    "null",
    "*",
    "https://*",
    "https://*.com",
    "https://a*.example.com",
    "https://shop.*",
    "https://*.*.example.com",
    "https://.example.com",
    r"https://.+\.example\.com",
    "^https://shop.example$",
    "https://shop.example:port",
    "https://shop.example:0",
    "https://shop.example:443",
    "http://shop.example:80",
    "https://bücher.example",
    "https://shop.example:",
    "ht tp://shop.example",
    "file://",
    "https://straße.example",
    "https://shop.example.",
    "http://[::1",
]


def load(**given):
    return Settings.load({**DEVELOPMENT, **given})


def error_text(**given):
    with pytest.raises(SettingsError) as caught:
        load(**given)
    return str(caught.value)


class TestHosts:
    @pytest.mark.parametrize("host", NO_HOST_NAMES)
    def test_host_that_cannot_match_is_rejected(self, host):
        message = error_text(ALLOWED_HOSTS=["api.example.org", host])

        assert "  ALLOWED_HOSTS: " in message
        assert repr(host) in message

    def test_every_bad_host_is_named(self):
        message = error_text(ALLOWED_HOSTS="https://a.example, b.example, *.c.example")

        assert "'https://a.example'" in message
        assert "'*.c.example'" in message
        assert "'b.example'" not in message

    @pytest.mark.parametrize(
        ("host", "normal"),
        [
            ("API.Example.com", "api.example.com"),
            (".Example.com", ".example.com"),
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ],
    )
    def test_host_is_normalized(self, host, normal):
        assert load(ALLOWED_HOSTS=host).allowed_hosts == (normal,)


class TestOrigins:
    @pytest.mark.parametrize("origin", NO_ORIGINS)
    def test_invalid_origin_is_rejected(self, origin):
        message = error_text(CORS_ORIGINS=["https://shop.example", origin])

        assert "  CORS_ORIGINS: " in message
        assert repr(origin) in message

    @pytest.mark.parametrize(
        ("origin", "normal"),
        [
            ("HTTPS://Shop.Example", "https://shop.example"),
            ("http://shop.example:443", "http://shop.example:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://10.0.0.1", "http://10.0.0.1"),
            ("http://my_app:3000", "http://my_app:3000"),
            ("https://*.Example.com", "https://*.example.com"),
            ("https://*.example.com:8443", "https://*.example.com:8443"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("chrome-extension://abcdefgh", "chrome-extension://abcdefgh"),
        ],
    )
    def test_origin_is_normalized(self, origin, normal):
        assert load(CORS_ORIGINS=origin).cors_origins == (normal,)
